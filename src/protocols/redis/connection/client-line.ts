/** One line of CLIENT LIST, as CLIENT INFO gives it too: `name=value` pairs between blanks. */
import type { Address } from "../../contract.ts";
import type { ClientConnection } from "../core/client-connection.ts";

export function addressText({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * N ordinary, O in MONITOR, P subscribed, x in MULTI, b blocked, t tracking keys, R to a connection that is gone, B by prefixes,
 * d watched key changed, e not to be evicted.
 */
function flagsOf(client: ClientConnection): string {
  let flags = "";
  if (client.isMonitor) flags += "O";
  if (client.isSubscriber) flags += "P";
  if (client.transaction !== null) flags += "x";
  if (client.blocked !== null) flags += "b";
  const { tracked } = client;
  if (tracked !== null) flags += "t";
  if (tracked?.isRedirectBroken === true) flags += "R";
  if (tracked?.isBroadcast === true) flags += "B";
  if (client.watcher?.isDirty === true) flags += "d";
  if (client.isNoEvict) flags += "e";
  return flags === "" ? "N" : flags;
}

function secondsSince(client: ClientConnection, since: number): number {
  return Math.max(Math.floor((client.context.server.broker.clock.now() - since) / 1000), 0);
}

/** How long it is connected. */
export function ageSeconds(client: ClientConnection): number {
  return secondsSince(client, client.connection.openedAt);
}

export function clientLine(client: ClientConnection): string {
  const { connection, context, subscriptions, transaction } = client;
  const fields: [name: string, value: string | number][] = [
    ["id", client.id],
    ["addr", addressText(connection.remote)],
    ["laddr", addressText(connection.local)],
    ["fd", connection.id],
    ["name", client.name],
    ["age", ageSeconds(client)],
    ["idle", secondsSince(client, client.lastCommandAt)],
    ["flags", flagsOf(client)],
    ["db", context.database],
    ["sub", subscriptions?.channels.size ?? 0],
    ["psub", subscriptions?.patterns.size ?? 0],
    ["ssub", subscriptions?.shardChannels.size ?? 0],
    ["multi", transaction?.commands.length ?? -1],
    ["watch", client.watcher?.marks.size ?? 0],
    ["qbuf", client.queryBufferBytes],
    ["qbuf-free", 0],
    ["argv-mem", 0],
    ["multi-mem", 0],
    ["rbs", connection.output.buffer.length],
    ["rbp", connection.output.buffer.length],
    ["obl", connection.outputBytes],
    ["oll", 0],
    ["omem", 0],
    ["tot-mem", client.memoryBytes],
    ["events", "r"],
    ["cmd", context.spec.fullName],
    ["user", client.user],
    ["redir", client.tracked?.redirect ?? -1],
    ["resp", context.reply.version],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}
