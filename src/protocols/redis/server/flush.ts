/**
 * FLUSHDB [ASYNC | SYNC]      FLUSHALL [ASYNC | SYNC]
 *
 * All strings go, and the streams that only Redis's clients know.
 * Queues, and streams that AMQP or Kafka clients have declared or use, stay (broker/queue/name-rules.ts): who empties a cache
 * must not delete another program's topics. Strings go at once; streams in slices, those that were there at first.
 */
import { databaseCount } from "../../../keyspace/keyspace.ts";
import { isUnclaimed } from "../../../broker/queue/name-rules.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { Job } from "../../../base/turn-work.ts";
import { assertMayFlush } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { syntaxError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const flushCommands: readonly CommandRow[] = [
  {
    name: "flushall",
    arity: -1,
    flags: ["write"],
    categories: ["keyspace", "dangerous"],
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    since: "1.0.0",
    complexity: "O(N), N keys of all databases",
    summary: "Removes all keys of all databases.",
    claims: "all",
    run: flushall,
  },
  {
    name: "flushdb",
    arity: -1,
    flags: ["write"],
    categories: ["keyspace", "dangerous"],
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    since: "1.0.0",
    complexity: "O(N), N keys of the database",
    summary: "Removes all keys of this database.",
    claims: "database",
    run: flushdb,
  },
];

/** A stream with its definition, group offsets and what waits for it. */
const unitsOfStream = 20;

const allDatabases = Array.from({ length: databaseCount }, (_, number) => number);

function flushdb(context: CommandContext): void {
  assertFlushOption(context);
  assertMayFlush(context, context.database);
  flushDatabases(context, [context.database]);
}

function flushall(context: CommandContext): void {
  assertFlushOption(context);
  for (const number of allDatabases) assertMayFlush(context, number);
  flushDatabases(context, allDatabases);
}

/** Checks the one option that there is; both ways are the same here. */
function assertFlushOption({ request }: CommandContext): void {
  if (request.argumentCount === 1) return;
  if (request.argumentCount > 2 || !(request.is(1, "SYNC") || request.is(1, "ASYNC"))) throw syntaxError();
}

function flushDatabases(context: CommandContext, numbers: readonly number[]): void {
  const { server } = context;
  writableKeysOf(context);
  for (const number of numbers) {
    server.keyspace.flush(number);
    server.watches.databaseChanged(number);
  }
  // Now, in the turn in which the user was asked about: a stream that is made meanwhile may not be the user's to delete.
  const there = numbers.flatMap((number) => [...server.vhostOf(number).queues.values()]);
  server.tracking.flushed();
  answerInSlices(context, () => deleteStreams(context, there), { holdsPushes: true });
}

function* deleteStreams({ reply }: CommandContext, there: readonly Queue[]): Job<void> {
  for (const queue of there) {
    if (!queue.isDeleted && isUnclaimed(queue)) queue.vhost.deleteQueue(queue);
    yield unitsOfStream;
  }
  reply.ok();
}
