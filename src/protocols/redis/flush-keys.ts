/**
 * What FLUSHDB and FLUSHALL share: all strings and streams go.
 *
 * Streams are also the topics of Kafka and the stream queues of AMQP. Queues stay: they belong to AMQP, and look like
 * streams to a Redis client only so that it can publish into them and look.
 */
import type { CommandContext } from "./context.ts";
import { syntaxError } from "./errors.ts";
import { writableKeysOf } from "./key-access.ts";

/** Checks the one option that there is; both ways are the same here. */
export function assertFlushOption({ request }: CommandContext): void {
  if (request.argumentCount === 1) return;
  if (request.argumentCount > 2 || !(request.is(1, "SYNC") || request.is(1, "ASYNC"))) throw syntaxError();
}

export function flushDatabase(context: CommandContext, number: number): void {
  const { server } = context;
  writableKeysOf(context);
  server.keyspace.flush(number);
  const vhost = server.vhostOf(number);
  // A partition of several is made again when it is deleted: those that are there now are gone through.
  const streams = [...vhost.queues.values()].filter(
    ({ kind, exclusiveOwner }) => kind === "stream" && exclusiveOwner === 0,
  );
  for (const queue of streams) vhost.deleteQueue(queue);
  server.watches.databaseFlushed(number);
}
