/** How an AMQP connection describes itself in the broker's list of connections (broker/connections.ts). */
import type { SessionFacts } from "../../contract.ts";
import type { AmqpSession } from "./session.ts";

export function factsOf(session: AmqpSession): SessionFacts {
  const { authorization, state, messagesIn, messagesOut, client, channels } = session;
  let subscriptions = 0;
  for (const { consumers } of channels.values()) subscriptions += consumers.size;
  return {
    user: authorization === undefined || state === "tuning" ? null : authorization.name,
    vhost: state === "running" ? session.vhost.name : null,
    clientName: client.name,
    clientProperties: client.properties,
    isClosing: state === "closing" || state === "broken",
    requests: null,
    messagesIn,
    messagesOut,
    channels: channels.size,
    subscriptions,
    groups: [],
  };
}
