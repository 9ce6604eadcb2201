/**
 * EXEC: runs the commands that MULTI queued, without commands of other connections in between. All replies together are one reply
 * with one bound: a few queued bytes may each ask for a value of megabytes.
 */
import { limits } from "../../../base/limits.ts";
import type { CommandContext } from "../core/context.ts";
import { replyError, runHandler } from "../core/dispatch.ts";
import { errorTexts, RedisError, replyTooLarge } from "../core/errors.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const execCommand: CommandRow = {
  name: "exec",
  arity: 1,
  flags: ["noscript", "loading", "stale", "skip_slowlog"],
  since: "1.2.0",
  complexity: "Depends on the queued commands",
  summary: "Runs the transaction.",
  inMulti: "leaves",
  run: exec,
};

const shortBytesMax = 1024;

export function exec(context: CommandContext, bytesMax: number = limits.redisReplyBytesMax): void {
  const { reply, client, server } = context;
  const { transaction, watcher } = client;
  if (transaction === null) throw new RedisError("ERR EXEC without MULTI");
  const hasChanged = watcher !== null && server.watches.hasChanged(watcher);
  client.endTransaction();
  server.cluster?.assertOneSlotOfAll(transaction.commands);
  if (transaction.needsRoom && server.keyspace.eviction.isOutOfMemory)
    throw new RedisError(`EXECABORT Transaction discarded because of: ${errorTexts.outOfMemory}`);
  if (transaction.isAborted)
    throw new RedisError("EXECABORT Transaction discarded because of previous errors.");
  if (transaction.needsRoom) assertRoomFor(context);
  if (hasChanged) return reply.nullArray();
  server.keyspace.moment.fix();
  const { request, spec } = context;
  const endMax = reply.out.length + bytesMax;
  reply.array(transaction.commands.length);
  client.isExecuting = true;
  for (const command of transaction.commands) {
    context.request = command.request;
    context.spec = command.spec;
    runBounded(context, endMax);
  }
  client.isExecuting = false;
  context.request = request;
  context.spec = spec;
}

/** A transaction runs whole or not at all, as in redis: none of its commands may meet a full disk half-way. */
function assertRoomFor(context: CommandContext): void {
  const { failure } = context.broker.storage;
  if (failure !== null)
    throw new RedisError(`EXECABORT Transaction discarded because of: MISCONF ${failure.message}`);
}

const reasons = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as arguments to the command",
} as const;

/** Above the bound a command that only reads is not run; one that changes data is run and answered in few bytes. */
function runBounded(context: CommandContext, endMax: number): void {
  const { out } = context.reply;
  const before = out.length;
  if (before > endMax && context.spec.flags.includes("readonly")) return replyError(context, replyTooLarge());
  runPermitted(context);
  if (out.length <= endMax || out.length - before <= shortBytesMax) return;
  out.length = before;
  replyError(context, replyTooLarge());
}

/** The user's rights may have been revoked since the command was queued. */
function runPermitted(context: CommandContext): void {
  const refusal = context.caller.refusalOf(context);
  if (refusal === null) return runHandler(context);
  replyError(
    context,
    new RedisError(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This " +
        `command is no longer allowed for the following reason: ${reasons[refusal.what]}`,
    ),
  );
}
