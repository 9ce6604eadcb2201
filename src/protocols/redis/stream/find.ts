/**
 * From a key to its stream: what every stream command begins with.
 *
 * A key is one of three: a string (the keyspace has it), a stream or queue (the virtual host has it), or nothing.
 */
import type { Queue } from "../../../broker/queue/queue.ts";
import { implicitStream } from "../../../broker/queue/lifecycle.ts";
import { seal } from "./stream.ts";
import { assertMayUseKey } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { lookedUp } from "../notifications/lookups.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { keyEvents } from "../notifications/key-events.ts";

/** The stream named by argument `index`, ready to be read; undefined when there is none. Throws WRONGTYPE. */
export function findStream(context: CommandContext, index: number): Queue | undefined {
  const queue = lastStream(context, index) ?? lookUp(context, context.request.latin1(index));
  lookedUp(context, index, context.database, queue !== undefined);
  if (queue !== undefined) seal(queue);
  return queue;
}

/** For a command whose key redis looks up before its arguments, of which it complains first: the look counts, and a miss is told. */
export function lookAhead(context: CommandContext, index: number): void {
  const { server, database } = context;
  const key = context.request.latin1(index);
  const isThere =
    server.findStream(database, key) !== undefined || server.keyspace.typeOf(database, key) !== undefined;
  lookedUp(context, index, database, isThere);
}

/**
 * The stream in argument `index` if it is the one that was looked up last, by this or another connection: most are, and
 * comparing a few bytes is cheaper than making a string.
 */
export function lastStream(context: CommandContext, index: number): Queue | undefined {
  const { server, database, request } = context;
  const queue = server.lastStream;
  // While the journal takes nothing `RedisServer.findStream` is to know who looks.
  if (context.broker.ticker.isStuck) return undefined;
  if (queue === undefined || queue.isDeleted || server.lastStreamDatabase !== database) return undefined;
  return request.isLatin1(index, queue.name) ? queue : undefined;
}

/** The same by its name, without sealing. */
export function lookUp(context: CommandContext, key: string): Queue | undefined {
  const { server, database } = context;
  const queue = server.findStream(database, key);
  if (queue === undefined && server.keyspace.typeOf(database, key) !== undefined)
    throw new RedisError(errorTexts.wrongType);
  // One that is to expire is looked up each time, so that the others need not be asked.
  server.lastStream = queue?.deleteAt === 0 ? queue : undefined;
  server.lastStreamDatabase = database;
  return queue;
}

/** Makes the stream of that key: durable, without bounds. Throws NOPERM. */
export function createStream(context: CommandContext, key: string): Queue {
  assertMayUseKey(context, "create", key);
  const queue = context.vhost.declareQueue({ ...implicitStream, name: key });
  context.server.notices.tellNamed(keyEvents.made, context.database, key);
  return queue;
}
