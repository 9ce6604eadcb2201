/**
 * What `maxmemory` refuses: commands that add data while no key could be removed to make room, in redis's words.
 *
 * Not here: making room (keyspace/eviction/eviction.ts). Invariant: `Eviction.isOutOfMemory` is what it was before the command that a
 * client has sent; all that EXEC or a script runs goes by that.
 */
import type { CommandContext } from "./context.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { CommandSpec } from "./command-spec.ts";
import { errorTexts, RedisError } from "./errors.ts";

/** Makes room before a command, while there is a bound. Throws OOM where there is none and the command needs some. */
export function assertMemory(
  { server }: CommandContext,
  spec: CommandSpec,
  { transaction }: ClientConnection,
): void {
  const { eviction } = server.keyspace;
  // A script that is suspended has changed nothing, and nothing is to change for it.
  if (server.busyScript === null) eviction.makeRoom();
  if (!eviction.isOutOfMemory) return;
  // What is queued takes memory too. EXEC looks at what was queued.
  if (spec.denyOom || (transaction !== null && !leavesTransaction(spec))) throw outOfMemory();
}

function leavesTransaction({ name }: CommandSpec): boolean {
  return name === "exec" || name === "discard" || name === "quit" || name === "reset";
}

export function outOfMemory(): RedisError {
  return new RedisError(errorTexts.outOfMemory);
}
