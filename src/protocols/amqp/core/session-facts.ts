/** How an AMQP connection and its channels describe themselves to operators (broker/connections.ts). Made when asked for. */
import type { ChannelFacts } from "../../../base/connection-facts.ts";
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { SessionFacts } from "../../contract.ts";
import type { Channel } from "../channel/channel.ts";
import { consumerFactsOf } from "../channel/consumer-facts.ts";
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
    findHolders: (wanted, found) => {
      for (const { number: channel, getOwner, unacked } of channels.values()) {
        if (wanted.has(getOwner)) found(getOwner, { channel, tag: null });
        for (const source of unacked.sources())
          if (wanted.has(source.id)) found(source.id, { channel, tag: source.tag });
      }
    },
    describeChannels: () => open(channels.values()).map(channelFactsOf),
    negotiated: {
      authMechanism: client.mechanism,
      channelMax: session.channelMax,
      frameMax: session.frameMax,
      heartbeatSeconds: session.heartbeat.intervalSeconds,
      clientProperties: client.json,
    },
  };
}

/** Who published a message. A session without a socket is one of the HTTP API. */
export function publisherOf({ connection, client, userName }: AmqpSession): Publisher {
  const { id, local, remote } = connection;
  return { protocol: id < 0 ? "http" : "amqp", user: userName, clientName: client.name, local, remote };
}

function open(channels: Iterable<Channel>): Channel[] {
  return [...channels].filter(({ isClosing }) => !isClosing);
}

function channelFactsOf(channel: Channel): ChannelFacts {
  const { transaction, confirms, unacked } = channel;
  const settlements = transaction?.settlements.length ?? 0;
  return {
    number: channel.number,
    isConfirming: confirms !== null,
    isTransactional: transaction !== null,
    prefetch: channel.consumerPrefetch,
    globalPrefetch: channel.globalPrefetch,
    unacknowledged: unacked.size,
    unconfirmed: confirms?.unanswered ?? 0,
    uncommitted: transaction?.publishes.length ?? 0,
    acksUncommitted: settlements,
    consumers: [...channel.consumers.values()].map(consumerFactsOf),
    counts: channel.counts,
  };
}
