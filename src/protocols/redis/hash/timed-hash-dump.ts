/**
 * Hashes whose fields expire, in the dumps of redis 7.4 and later.
 *
 *     listpack = u64 earliest, string of a listpack: (field, value, time) by their times, 0 (never) last
 *     table    = u64 earliest, count, count x (time - earliest + 1 or 0 for never, field, value)
 *
 * Times are wall time in ms. The candidates for 7.4 had no `earliest`, and in tables the times themselves. Not here: hashes without
 * expiries, which are dumped as redis 7.0 does (hash-dump.ts). Invariant: no time in a table is below its `earliest`.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { beyondListpack } from "../../../keyspace/value-type.ts";
import type { ElementTable, Ref } from "../../../keyspace/values/element-table.ts";
import type { CommandContext } from "../core/context.ts";
import { ElementWalk } from "../core/element-walk.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { loadCollection } from "../dump/load-collection.ts";
import { type Payload, payloadVersions } from "../dump/payload.ts";
import type { LoadedValue } from "../dump/value-forms.ts";
import { ListpackReader, ListpackWriter } from "../wire/rdb/listpack.ts";
import { RdbReader } from "../wire/rdb/reader.ts";
import { BadData, type RdbElements, rdbType } from "../wire/rdb/types.ts";
import { writeLength, writeString, writeTime } from "../wire/rdb/writer.ts";
import { hashesOf } from "./hash-key.ts";

/** Redis's bound of what it reads. */
const timeMax = 2 ** 48 - 1;
/** Compressing costs about as much as this for a byte. */
const unitsOfWritten = 8;

interface Field {
  readonly field: Buffer;
  readonly value: Buffer;
  /** 0 for never. */
  readonly time: number;
}

/** Writes a hash whose fields may expire; false where redis would write none of the times: it is dumped as any other then. */
export function* dumpTimedHash(
  payload: Payload,
  context: CommandContext,
  database: Database,
  entry: number,
): Job<boolean> {
  const { content, table } = database;
  const isListpack = (table.typeWord(entry) & beyondListpack) === 0;
  if (!isListpack && content.isLarge(entry)) {
    const { expiries } = content.elementsOf(entry);
    if (expiries === null || expiries.count === 0) return false;
    payload.version = payloadVersions.fieldExpiries;
    yield* writeLarge(payload, new ElementWalk(content, entry), expiries.earliest);
    return true;
  }
  const fields = content.isLarge(entry)
    ? fieldsOfTable(content.elementsOf(entry))
    : fieldsOfPacked(context, database, entry);
  const earliest = Math.min(...fields.map(({ time }) => (time === 0 ? Infinity : time)));
  if (!isListpack && earliest === Infinity) return false;
  payload.version = payloadVersions.fieldExpiries;
  if (isListpack) writeListpack(payload.out, fields, earliest);
  else writeTable(payload.out, fields, earliest);
  return true;
}

function fieldsOfPacked(context: CommandContext, { content }: Database, entry: number): Field[] {
  const hashes = hashesOf(context);
  const fields: Field[] = [];
  hashes.begin(content, entry);
  while (hashes.next()) {
    const { bytes } = hashes;
    const field = Buffer.from(bytes.subarray(hashes.fieldStart, hashes.fieldEnd));
    fields.push({ field, value: Buffer.from(bytes.subarray(hashes.start, hashes.end)), time: hashes.expiry });
  }
  return fields;
}

/** A few hundred short ones, in the order of their bytes. */
function fieldsOfTable(table: ElementTable): Field[] {
  const refs: Ref[] = [];
  table.scan(0, Infinity, refs);
  const fields = refs.map((ref): Field => {
    table.locateKey(ref);
    const field = Buffer.from(table.bytes.subarray(table.start, table.end));
    table.locate(ref);
    const value = Buffer.from(table.bytes.subarray(table.start, table.end));
    return { field, value, time: table.expiries?.of(field, 0, field.length) ?? 0 };
  });
  return fields.toSorted((a, b) => a.field.compare(b.field));
}

/** Redis looks at the first field to know what is due. */
function writeListpack(out: ByteWriter, fields: readonly Field[], earliest: number): void {
  const order = ({ time }: Field): number => (time === 0 ? Infinity : time);
  const sorted = fields.toSorted((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
  const bytes = new ByteWriter(1024);
  const list = new ListpackWriter();
  list.begin(bytes);
  for (const { field, value, time } of sorted) {
    list.text(field, 0, field.length);
    list.text(value, 0, value.length);
    list.integer(time);
  }
  list.end();
  writeTime(out.uint8(rdbType.hashListpackTimed), earliest === Infinity ? 0 : earliest);
  writeString(out, bytes.buffer, 0, bytes.length);
}

function writeTable(out: ByteWriter, fields: readonly Field[], earliest: number): void {
  writeTime(out.uint8(rdbType.hashTimed), earliest);
  writeLength(out, fields.length);
  for (const { field, value, time } of fields) {
    writeOffset(out, time, earliest);
    writeString(out, field);
    writeString(out, value);
  }
}

function writeOffset(out: ByteWriter, time: number, earliest: number): void {
  writeLength(out, time === 0 ? 0 : time - earliest + 1);
}

/** DUMP has claimed the key: in later turns fields may go, but none gets an earlier expiry. */
function* writeLarge(payload: Payload, walk: ElementWalk, earliest: number): Job<void> {
  writeTime(payload.out.uint8(rdbType.hashTimed), earliest);
  const head = payload.open();
  const { table } = walk;
  const piece = new Piece();
  let count = 0;
  let written = payload.bytes;
  for (const units of walk.go(Infinity, (ref) => {
    const { out } = payload;
    table.locateKey(ref);
    writeOffset(out, table.expiries!.of(table.bytes, table.start, table.end), earliest);
    writeString(out, table.bytes, table.start, table.end);
    table.locate(ref);
    writeString(out, table.bytes, table.start, table.end);
    count++;
  })) {
    const due = piece.add(units + unitsOfWritten * unitsOfBytes(payload.bytes - written));
    written = payload.bytes;
    payload.settle();
    if (due > 0) yield due;
  }
  payload.fill(head, (out) => writeLength(out, count));
}

/** Fields with their times, from either form. */
interface TimedFields {
  next(): boolean;
  field: Buffer;
  value: Buffer;
  /** 0 for never. */
  time: number;
}

export function* loadTimedHash(reader: RdbReader, type: number): Job<LoadedValue> {
  const loaded = yield* loadCollection({
    open: opener(reader, type),
    sizeOf: ({ field, value }: TimedFields) => field.length + value.length,
    create: (database, key, start, end) => database.createHash(key, start, end),
    changesOf: ({ hash }) => hash,
    add({ hash }, { field, value, time }) {
      hash.set(field, 0, field.length, value, 0, value.length, time);
    },
  });
  return {
    ...loaded,
    *put(database, key, start, end, expiry): Job<void> {
      yield* loaded.put(database, key, start, end, expiry);
      // As in redis, what is due by now does not come at all.
      database.freshHash(database.find(key, start, end));
    },
  };
}

/** Gives the fields, as often as it is called. The first time `reader` passes them. */
function opener(reader: RdbReader, type: number): () => TimedFields {
  const hasEarliest = type === rdbType.hashTimed || type === rdbType.hashListpackTimed;
  const earliest = hasEarliest ? reader.time() : 0;
  if (earliest < 0 || earliest > timeMax) throw new BadData("the earliest time of a field");
  if (type === rdbType.hashListpackTimed || type === rdbType.hashListpackTimedEarly) {
    reader.string();
    const { bytes, start, end } = reader;
    return () => new ListpackFields(new ListpackReader(bytes, start, end));
  }
  const count = reader.count(3);
  const from = reader.position;
  let source = reader;
  return () => {
    const fields = new TableFields(source, count, hasEarliest ? earliest - 1 : 0);
    source = new RdbReader(reader.buffer, from, reader.limit);
    return fields;
  };
}

function copyOf({ bytes, start, end }: Pick<RdbElements, "bytes" | "start" | "end">): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}

function checkedTime(time: number): number {
  if (!(time >= 0 && time <= timeMax)) throw new BadData("when a field expires");
  return time;
}

class ListpackFields implements TimedFields {
  readonly #list: ListpackReader;
  field: Buffer = Buffer.alloc(0);
  value = this.field;
  time = 0;

  constructor(list: ListpackReader) {
    this.#list = list;
  }

  next(): boolean {
    const list = this.#list;
    if (!list.next()) return false;
    this.field = copyOf(list);
    list.text();
    this.value = copyOf(list);
    this.time = checkedTime(Number(list.whole()));
    return true;
  }
}

class TableFields implements TimedFields {
  readonly #reader: RdbReader;
  #left: number;
  /** What a time is counted from. */
  readonly #base: number;
  field: Buffer = Buffer.alloc(0);
  value = this.field;
  time = 0;

  constructor(reader: RdbReader, count: number, base: number) {
    this.#reader = reader;
    this.#left = count;
    this.#base = base;
  }

  next(): boolean {
    if (this.#left-- === 0) return false;
    const reader = this.#reader;
    const offset = reader.length();
    this.time = offset === 0 ? 0 : checkedTime(this.#base + offset);
    reader.string();
    this.field = copyOf(reader);
    reader.string();
    this.value = copyOf(reader);
    return true;
  }
}
