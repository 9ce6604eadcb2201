/**
 * What the keyspace writes into the journal, and how it is applied again at start-up (key-replay.ts).
 *
 *     record = u8 operation, u8 database, ...
 *       set          : key, u8 type, u8 flags, f64 expiry ms (0 never), u32 length, value   all of a key; collections packed
 *       delete       : key
 *       expire       : key, f64 expiry ms (0 never)
 *       patch        : key, u32 offset, u32 length, bytes       a part of a string, zeros before it
 *       flush        : (nothing)                                all keys of the database
 *       swap         : u8 other database
 *       setFields    : key, u32 count, count x (element, element)   fields of a hash have these values; the key may be new
 *       removeFields : key, u32 count, count x element
 *       addMembers, removeMembers : key, u32 count, count x element   a set has these members, or has them no more; likewise
 *       head         : key, u8 type, u8 flags, f64 expiry ms    a large value, but for its elements; the key may be new
 *       setScores    : key, u32 count, count x (f64 score, element)   members of a sorted set; the key may be new
 *       removeScored : key, u32 count, count x element
 *       setTimedFields : key, u32 count, count x (f64 expiry ms (0 never), element, element)   as setFields, whose fields never expire
 *       expireFields : key, u32 count, count x (f64 expiry ms (0 never), element)   when fields that are there expire
 *       rename, copy : key, u8 database, key                    a large value under another name, which is replaced
 *     key, element   = u32 length, bytes
 *
 * A record says what became of the key, never what was asked, so applying needs no clock and no arithmetic. Expire, patch and
 * removals change what an older record left; where that is missing (it was in a deleted file) a later one says it all, and
 * they are passed over. A large value's elements are written again in slices, between which it may change: a record of a
 * field says what its value is, so the later one wins. In between, its key may be empty in the replay: only `delete` removes it.
 */
import { ByteReader, type ByteWriter } from "../base/bytes.ts";
import { BrokerError } from "../base/errors.ts";
import type { KeyTable } from "./key-table.ts";
import type { PartOperation, ValueKind, ValueKinds } from "./values/value-kind.ts";

export const operation = {
  set: 1,
  delete: 2,
  expire: 3,
  patch: 4,
  flush: 5,
  swap: 6,
  setFields: 7,
  removeFields: 8,
  head: 9,
  rename: 10,
  copy: 11,
  addMembers: 12,
  removeMembers: 13,
  setScores: 14,
  removeScored: 15,
  // What stands behind the key of each of these: values/list/list-kind.ts.
  listPush: 16,
  listKeep: 17,
  listSet: 18,
  listInsert: 19,
  listRemove: 20,
  listBlock: 21,
  listSplit: 22,
  listRenumber: 23,
  setTimedFields: 24,
  expireFields: 25,
} as const;

/** All of a `set` but key and value. */
const recordBytesMax = 32;

function head(out: ByteWriter, code: number, database: number): void {
  out.uint8(code).uint8(database);
}

function writeKey(out: ByteWriter, table: KeyTable, entry: number): void {
  table.locateKey(entry);
  out.uint32(table.end - table.start).bytes(table.bytes, table.start, table.end);
}

/** Type and flags. */
function writeType(out: ByteWriter, table: KeyTable, entry: number): void {
  const word = table.typeWord(entry);
  out.uint8(word).uint8(word >>> 16);
}

/** All of a key as it is now; its value is not a large one. */
export function writeSet(out: ByteWriter, database: number, table: KeyTable, entry: number): void {
  table.locateKey(entry);
  // The value lies behind its key.
  const { bytes, start, end } = table;
  const size = table.valueLength(entry);
  // At once: growing by doubling would leave as much garbage again behind a huge value.
  out.ensure(recordBytesMax + end - start + size);
  head(out, operation.set, database);
  out.uint32(end - start).bytes(bytes, start, end);
  writeType(out, table, entry);
  out
    .float64(table.expiry(entry))
    .uint32(size)
    .bytes(bytes, end, end + size);
}

export function writeDelete(out: ByteWriter, database: number, table: KeyTable, entry: number): void {
  head(out, operation.delete, database);
  writeKey(out, table, entry);
}

export function writeExpire(out: ByteWriter, database: number, table: KeyTable, entry: number): void {
  head(out, operation.expire, database);
  writeKey(out, table, entry);
  out.float64(table.expiry(entry));
}

/** `size` bytes of the value from `offset` on, as they are now. */
export function writePatch(
  out: ByteWriter,
  database: number,
  table: KeyTable,
  entry: number,
  offset: number,
  size: number,
): void {
  head(out, operation.patch, database);
  writeKey(out, table, entry);
  table.locate(entry);
  const start = table.start + offset;
  out
    .uint32(offset)
    .uint32(size)
    .bytes(table.bytes, start, start + size);
}

export function writeFlush(out: ByteWriter, database: number): void {
  head(out, operation.flush, database);
}

export function writeSwap(out: ByteWriter, database: number, other: number): void {
  head(out, operation.swap, database);
  out.uint8(other);
}

/** Begins a record about a part of a value: what is behind the key is its type's. */
export function beginPart(
  out: ByteWriter,
  code: number,
  database: number,
  table: KeyTable,
  entry: number,
): void {
  head(out, code, database);
  writeKey(out, table, entry);
}

/** Begins a record of elements of a value; returns where its count stands, for `endElements`. */
export function beginElements(
  out: ByteWriter,
  code: number,
  database: number,
  table: KeyTable,
  entry: number,
): number {
  beginPart(out, code, database, table, entry);
  out.uint32(0);
  return out.length - 4;
}

export function writeElementBytes(out: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  out.uint32(end - start).bytes(bytes, start, end);
}

export function endElements(out: ByteWriter, countAt: number, count: number): void {
  out.patchUint32(countAt, count);
}

/** A large value is there, with this expiry. */
export function writeHead(out: ByteWriter, database: number, table: KeyTable, entry: number): void {
  head(out, operation.head, database);
  writeKey(out, table, entry);
  writeType(out, table, entry);
  out.float64(table.expiry(entry));
}

/** A large value has another name, or a copy of that name. */
export function writeNamed(
  out: ByteWriter,
  code: typeof operation.rename | typeof operation.copy,
  from: { readonly database: number; readonly table: KeyTable; readonly entry: number },
  to: { readonly database: number; readonly key: Uint8Array; readonly start: number; readonly end: number },
): void {
  head(out, code, from.database);
  writeKey(out, from.table, from.entry);
  out.uint8(to.database);
  writeElementBytes(out, to.key, to.start, to.end);
}

/** Of which keys the records in `buffer[start, end)` tell; -1, -1 where it is all keys of the database. */
export function visitKeys(
  kinds: ValueKinds,
  buffer: Buffer,
  start: number,
  end: number,
  visit: (database: number, keyStart: number, keyEnd: number) => void,
): void {
  const reader = new ByteReader(buffer, start, end);
  while (reader.remaining > 0) {
    const code = reader.uint8();
    const database = reader.uint8();
    if (code === operation.flush || code === operation.swap) {
      visit(database, -1, -1);
      if (code === operation.swap) visit(reader.uint8(), -1, -1);
      continue;
    }
    visitKey(reader, database, visit);
    skipRest(reader, code, kinds, visit);
  }
}

function visitKey(
  reader: ByteReader,
  database: number,
  visit: (database: number, keyStart: number, keyEnd: number) => void,
): void {
  const length = reader.uint32();
  const start = reader.skip(length);
  visit(database, start, start + length);
}

/** What follows the first key of a record, which may be another key. */
function skipRest(
  reader: ByteReader,
  code: number,
  kinds: ValueKinds,
  visit: (database: number, keyStart: number, keyEnd: number) => void,
): void {
  switch (code) {
    case operation.delete:
      return;
    case operation.expire:
      reader.skip(8);
      return;
    case operation.set:
      reader.skip(2 + 8);
      return skipElements(reader, 1);
    case operation.patch:
      reader.skip(4);
      return skipElements(reader, 1);
    case operation.head:
      reader.skip(2 + 8);
      return;
    case operation.rename:
    case operation.copy:
      return visitKey(reader, reader.uint8(), visit);
    default:
      return partOf(kinds, code).part.skip(reader);
  }
}

/** Whose record of a part it is. Throws CORRUPT where it is nobody's. */
export function partOf(kinds: ValueKinds, code: number): { kind: ValueKind; part: PartOperation } {
  const found = kinds.ofOperation(code);
  if (found === undefined)
    throw new BrokerError("CORRUPT", `journal: a keyspace record of unknown operation ${code}`);
  return found;
}

export function skipElements(reader: ByteReader, count: number): void {
  for (let left = count; left > 0; left--) reader.skip(reader.uint32());
}
