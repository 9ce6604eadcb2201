/**
 * Rights that commands check while they run, since the need shows only then: a stream is created or replaced, a value goes to
 * another database, an entry is published through an exchange. All other rights are checked before a command runs (check.ts).
 */
import { type LogAct, mayPublishUnder, mayUseLog } from "../../../broker/access/rights.ts";
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { refusalText } from "./check.ts";

/** @throws NOPERM */
export function assertMayUseKey(
  context: CommandContext,
  act: LogAct,
  name: string,
  database: number = context.database,
): void {
  if (!mayUseLog(context.caller, act, context.server.vhostOf(database), name))
    throw refused(context, "key", name);
}

/** Checks whether a value may be put under the key; the right to write was checked before. @throws NOPERM */
export function assertMayPut(context: CommandContext, name: string, database: number): void {
  assertMayUseKey(context, "write", name, database);
  if (!context.server.hasKey(database, name)) assertMayUseKey(context, "create", name, database);
}

/** Checks publishing under a routing key; the right to write to the exchange was checked before. @throws NOPERM */
export function assertMayPublish(
  context: CommandContext,
  exchange: Exchange,
  key: string,
  queues: readonly Queue[],
): void {
  if (exchange.internal) {
    throw new RedisError(
      `ERR cannot publish to internal exchange '${exchange.name}': only bindings lead to it`,
    );
  }
  const { caller, server } = context;
  if (mayPublishUnder(caller, context.vhost, exchange, key, queues)) return;
  const isChannel = exchange === server.liveExchange;
  throw isChannel ? refused(context, "channel", key) : refused(context, "key", exchange.name);
}

/**
 * Checks whether a database may be emptied. For strings the right to the command is enough, as in redis. A stream is also a queue
 * or topic of other protocols: each needs the right to delete it. @throws NOPERM, before anything is deleted
 */
export function assertMayFlush(context: CommandContext, database: number): void {
  const vhost = context.server.vhostOf(database);
  if (context.caller.authorization!.allowsAll(vhost.name)) return;
  for (const { kind, name, exclusiveOwner } of vhost.queues.values())
    if (kind === "stream" && exclusiveOwner === 0) assertMayUseKey(context, "delete", name, database);
}

function refused({ caller }: CommandContext, what: "key" | "channel", name: string): RedisError {
  caller.noteRefusal({ reason: what, context: caller.place, object: name, username: caller.user });
  return new RedisError(`NOPERM ${refusalText({ what, name })}`);
}
