/**
 * From an argument to its value: what every command on values of one type begins with, and how a name becomes a value.
 *
 * A key is a value of the keyspace or a stream of the database's virtual host, never both (broker/queue/name-rules.ts);
 * stream/find.ts does the same for streams. Not here: commands on keys of any type (key-ref.ts), what commands do with what is found.
 */
import { replacedByValue } from "../../../broker/queue/name-rules.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import { assertMayUseKey } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { lookedUp } from "../notifications/lookups.ts";

/** The selected database, to be read. */
export function keysOf(context: CommandContext): Database {
  return context.server.keyspace.databases[context.database]!;
}

/** The selected database, to be changed. Throws UNAVAILABLE while the journal cannot take it. */
export function writableKeysOf(context: CommandContext): Database {
  const { broker, caller, spec } = context;
  if (spec.denyOom) {
    broker.storage.assertWritable();
    caller.publisherSeen();
  } else {
    // Deletes go on while the disk is full: they make room.
    broker.storage.gate.assertAlive();
    caller.writerSeen();
  }
  return keysOf(context);
}

/** The entry of the key in argument `index`, or 0. Streams are not among them. Who reads says by `lookedUp` whether there was a key. */
export function findEntry(context: CommandContext, database: Database, index: number): number {
  const { buffer, starts, ends } = context.request;
  if (context.broker.ticker.isStuck)
    context.server.keyspace.lookedAt(database.number, buffer, starts[index]!, ends[index]!);
  return used(context, database, database.find(buffer, starts[index]!, ends[index]!));
}

/** The same of a key that is no argument. */
export function findNamed(context: CommandContext, database: Database, name: Buffer): number {
  const { broker, server } = context;
  if (broker.ticker.isStuck) server.keyspace.lookedAt(database.number, name, 0, name.length);
  return used(context, database, database.find(name, 0, name.length));
}

/** Notes that a command uses `entry`, or 0 for none. */
function used({ spec, usesFrom }: CommandContext, database: Database, entry: number): number {
  if (entry !== 0 && spec.use >= usesFrom) database.table.touch(entry);
  return entry;
}

/** The entry of a string key, or 0 for none; its value is located in `database.table`. Throws WRONGTYPE. */
export function findString(context: CommandContext, database: Database, index: number): number {
  const entry = findTyped(context, database, index, valueType.string);
  if (entry !== 0) database.table.locate(entry);
  return entry;
}

/** The entry of a key of that type, or 0 for none. Throws WRONGTYPE. */
export function findTyped(context: CommandContext, database: Database, index: number, type: number): number {
  const entry = findEntry(context, database, index);
  if (entry === 0) {
    const isStream = streamAt(context, index, database) !== undefined;
    lookedUp(context, index, database.number, isStream);
    if (isStream) throw wrongType();
    return 0;
  }
  lookedUp(context, index, database.number, true);
  if (database.table.type(entry) !== type) throw wrongType();
  return entry;
}

function wrongType(): RedisError {
  return new RedisError(errorTexts.wrongType);
}

/** The stream or queue of that database whose key argument `index` is. */
export function streamAt(context: CommandContext, index: number, { number }: Database): Queue | undefined {
  if (!mayBeName(context, index, number)) return undefined;
  return context.server.findStream(number, context.request.latin1(index));
}

/** Whether argument `index` may name a queue, stream or exchange. A quick check: mostly the answer is no. */
function mayBeName({ broker, server, request }: CommandContext, index: number, database: number): boolean {
  const vhost = server.vhostOf(database);
  if (broker.ticker.isStuck) broker.lookedAtName(vhost.name, request.latin1(index));
  return vhost.names.mayHave(request.buffer, request.starts[index]!, request.ends[index]!);
}

/** Whether argument `index` is a key of any kind, for a command that does not read it. */
export function keyExists(context: CommandContext, database: Database, index: number): boolean {
  return findEntry(context, database, index) !== 0 || streamAt(context, index, database) !== undefined;
}

/** Sets argument `keyIndex` to the value in argument `valueIndex`, whatever it held. Throws WRONGTYPE: see `putValue`. */
export function setString(
  context: CommandContext,
  database: Database,
  keyIndex: number,
  valueIndex: number,
  expiry: number,
): void {
  const { buffer, starts, ends } = context.request;
  putValue(context, database, keyIndex, buffer, starts[valueIndex]!, ends[valueIndex]!, expiry);
}

/**
 * Sets argument `keyIndex` to `value[from, to)`: the only way in which a name becomes a string (other values: `makeWay`). A stream that only
 * Redis's clients know gives way; what other protocols may count on does not. Throws WRONGTYPE, NOPERM.
 */
export function putValue(
  context: CommandContext,
  database: Database,
  keyIndex: number,
  value: Uint8Array,
  from: number,
  to: number,
  expiry: number,
  flags = 0,
): void {
  const { buffer, starts, ends } = context.request;
  makeWay(context, keyIndex);
  const use = context.usesFrom === 1 ? -1 : countOf(context, database, keyIndex);
  const entry = database.put(buffer, starts[keyIndex]!, ends[keyIndex]!, value, from, to, expiry, flags);
  if (use >= 0) database.table.setUse(entry, use);
}

/** The uses that a client with NO-TOUCH leaves as they are when it replaces a value; -1 for none. By LRU a value is new as any other. */
function countOf({ server, request }: CommandContext, database: Database, index: number): number {
  if (!server.keyspace.uses.isLfu) return -1;
  const entry = database.find(request.buffer, request.starts[index]!, request.ends[index]!);
  return entry === 0 ? -1 : database.table.use(entry);
}

/** A stream that has the name in argument `index` gives way to a value. Throws WRONGTYPE, NOPERM where it does not. */
export function makeWay(context: CommandContext, index: number, database = context.database): void {
  const queue = assertReplaceable(context, index, database);
  if (queue === undefined) return;
  queue.vhost.deleteQueue(queue);
  context.server.notices.streamMadeWay();
}

/** Throws WRONGTYPE, NOPERM where argument `index` cannot become a value; gives the stream that would have to go, if any. */
export function assertReplaceable(
  context: CommandContext,
  index: number,
  database = context.database,
): Queue | undefined {
  if (!mayBeName(context, index, database)) return undefined;
  const queue = replacedByValue(context.server.vhostOf(database), context.request.latin1(index));
  if (queue !== undefined) assertMayUseKey(context, "delete", queue.name, database);
  return queue;
}

/** The value of the string that was found last, or null. */
export function replyString(context: CommandContext, database: Database, entry: number): void {
  const { reply } = context;
  const { table } = database;
  if (entry === 0) reply.null();
  else reply.bulk(table.bytes, table.start, table.end);
}
