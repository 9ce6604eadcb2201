/** What a Redis connection tells the broker's list of connections (broker/connections.ts). */
import { defaultVhostName } from "../../../broker/names.ts";
import type { SessionFacts } from "../../contract.ts";
import type { RedisSession } from "../session.ts";

export function factsOf(session: RedisSession): SessionFacts {
  const { context, subscriptions, libraryName, libraryVersion } = session;
  const properties: Record<string, string> = {};
  if (libraryName !== "") properties["library"] = libraryName;
  if (libraryVersion !== "") properties["version"] = libraryVersion;
  return {
    user: session.login === null ? null : session.user,
    vhost: context.database === 0 ? defaultVhostName : `db${context.database}`,
    clientName: session.name,
    clientProperties: properties,
    isClosing: session.isEnding,
    requests: session.requests,
    messagesIn: null,
    messagesOut: null,
    channels: 0,
    subscriptions: subscriptions?.count ?? 0,
    groups: [],
  };
}
