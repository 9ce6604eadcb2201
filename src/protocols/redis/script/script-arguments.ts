/** What EVAL and FCALL have in common: which arguments are keys, and whether a script with such flags may run now. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, outOfMemory, RedisError } from "../core/errors.ts";
import type { ScriptArguments } from "./run/engine.ts";
import type { ScriptFlags } from "./run/shebang.ts";

/** Argument 2 says how many keys follow. */
export function keysOfScript({ request }: CommandContext): ScriptArguments {
  const keyCount = request.integer(2);
  if (Number.isNaN(keyCount)) throw new RedisError(errorTexts.notInteger);
  if (keyCount > request.argumentCount - 3)
    throw new RedisError("ERR Number of keys can't be greater than number of args");
  if (keyCount < 0) throw new RedisError("ERR Number of keys can't be negative");
  return { keys: 3, keyCount };
}

/** Whether a script with such flags may write; null for a script without any line of flags. */
export function writesBy(flags: ScriptFlags | null): boolean | null {
  return flags === null ? null : !flags.has("no-writes");
}

/** Scripts that say what they do are refused as a whole, rather than at their first command. */
export function assertMayRun(
  { broker, server }: CommandContext,
  flags: ScriptFlags,
  readOnly: boolean,
): void {
  if (server.cluster !== null && flags.has("no-cluster"))
    throw new RedisError("ERR Can not run script on cluster, 'no-cluster' flag is set.");
  if (flags.has("no-writes")) return;
  const { failure } = broker.storage;
  if (failure !== null)
    throw new RedisError(
      `MISCONF ${failure.message}. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.`,
    );
  if (!flags.has("allow-oom") && server.keyspace.eviction.isOutOfMemory) throw outOfMemory();
  if (readOnly) throw new RedisError("ERR Can not execute a script with write flag using *_ro command.");
  if (server.settings.lacksReplicas) throw new RedisError(errorTexts.noReplicas);
}
