/** One line of CLIENT LIST, as CLIENT INFO gives it too: `name=value` pairs between blanks. */
import type { Address } from "../../contract.ts";
import type { RedisSession } from "../session.ts";

export function addressText({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** N ordinary, P subscribed, x in MULTI, b blocked, d watched key changed, e not to be evicted. */
function flagsOf(session: RedisSession): string {
  let flags = "";
  if (session.isSubscriber) flags += "P";
  if (session.transaction !== null) flags += "x";
  if (session.blocked !== null) flags += "b";
  if (session.watcher?.isDirty === true) flags += "d";
  if (session.isNoEvict) flags += "e";
  return flags === "" ? "N" : flags;
}

export function clientLine(session: RedisSession): string {
  const { connection, context, subscriptions, transaction } = session;
  const now = session.server.broker.clock.now();
  const seconds = (since: number): number => Math.max(Math.floor((now - since) / 1000), 0);
  const fields: [name: string, value: string | number][] = [
    ["id", session.id],
    ["addr", addressText(connection.remote)],
    ["laddr", addressText(connection.local)],
    ["fd", connection.id],
    ["name", session.name],
    ["age", seconds(connection.openedAt)],
    ["idle", seconds(session.lastCommandAt)],
    ["flags", flagsOf(session)],
    ["db", context.database],
    ["sub", subscriptions?.channels.size ?? 0],
    ["psub", subscriptions?.patterns.size ?? 0],
    ["ssub", subscriptions?.shardChannels.size ?? 0],
    ["multi", transaction?.commands.length ?? -1],
    ["qbuf", session.queryBufferBytes],
    ["qbuf-free", 0],
    ["argv-mem", 0],
    ["multi-mem", 0],
    ["rbs", connection.output.buffer.length],
    ["rbp", connection.output.buffer.length],
    ["obl", connection.outputBytes],
    ["oll", 0],
    ["omem", 0],
    ["tot-mem", session.queryBufferBytes + connection.output.buffer.length],
    ["events", "r"],
    ["cmd", context.spec.fullName],
    ["user", session.user],
    ["redir", -1],
    ["resp", context.reply.version],
    ["lib-name", session.libraryName],
    ["lib-ver", session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}
