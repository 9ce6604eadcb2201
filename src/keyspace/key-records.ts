/**
 * What the keyspace writes into the journal, and how it is applied again at start-up.
 *
 *     record = u8 operation, u8 database, ...
 *       set    : key, u8 type, f64 expiry ms (0 never), u32 length, value      all of a key
 *       delete : key
 *       expire : key, f64 expiry ms (0 never)
 *       patch  : key, u32 offset, u32 length, bytes                            a part of a string, zeros before it
 *       flush  : (nothing)                                                     all keys of the database
 *       swap   : u8 other database
 *     key    = u32 length, bytes
 *
 * A record says what became of the key, never what was asked, so applying needs no clock and no arithmetic. Expiry and
 * patch change what a set left; where that set is missing (it was in a deleted file) a later set says it all, and they
 * are passed over.
 */
import { ByteReader, type ByteWriter } from "../base/bytes.ts";
import { BrokerError } from "../base/errors.ts";
import { patchValue } from "./patch.ts";
import type { KeyTable } from "./key-table.ts";

const operation = { set: 1, delete: 2, expire: 3, patch: 4, flush: 5, swap: 6 } as const;

/** All of a `set` but key and value. */
const recordBytesMax = 32;

function head(out: ByteWriter, code: number, database: number): void {
  out.uint8(code).uint8(database);
}

function writeKey(out: ByteWriter, table: KeyTable, entry: number): void {
  table.locateKey(entry);
  out.uint32(table.end - table.start).bytes(table.bytes, table.start, table.end);
}

/** All of a string as it is now. */
export function writeSet(out: ByteWriter, database: number, table: KeyTable, entry: number): void {
  // At once: growing by doubling would leave as much garbage again behind a huge value.
  table.locateKey(entry);
  out.ensure(recordBytesMax + table.end - table.start + table.valueLength(entry));
  head(out, operation.set, database);
  writeKey(out, table, entry);
  out.uint8(table.type(entry)).float64(table.expiry(entry));
  table.locate(entry);
  out.uint32(table.end - table.start).bytes(table.bytes, table.start, table.end);
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

/** The databases as the replay sees them. */
export interface ReplayTarget {
  table(database: number): KeyTable;
  flushed(database: number): void;
  swapped(database: number, other: number): void;
}

/** Of which keys the records in `buffer[start, end)` tell; -1, -1 where it is all keys of the database. */
export function visitKeys(
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
    const keyLength = reader.uint32();
    const keyStart = reader.skip(keyLength);
    visit(database, keyStart, keyStart + keyLength);
    if (code === operation.expire) reader.skip(8);
    else if (code === operation.set) {
      reader.skip(1 + 8);
      reader.skip(reader.uint32());
    } else if (code === operation.patch) {
      reader.skip(4);
      reader.skip(reader.uint32());
    }
  }
}

/** Applies all records in `buffer[start, end)`. `age` becomes that of the entries that are set. */
export function applyRecords(
  target: ReplayTarget,
  buffer: Buffer,
  start: number,
  end: number,
  age: number,
): void {
  const reader = new ByteReader(buffer, start, end);
  while (reader.remaining > 0) {
    const code = reader.uint8();
    const database = reader.uint8();
    if (code === operation.flush) target.flushed(database);
    else if (code === operation.swap) target.swapped(database, reader.uint8());
    else applyToKey(target.table(database), code, reader, age);
  }
}

function applyToKey(table: KeyTable, code: number, reader: ByteReader, age: number): void {
  const buffer = reader.buffer;
  const keyLength = reader.uint32();
  const keyStart = reader.skip(keyLength);
  const keyEnd = keyStart + keyLength;
  const hash = table.hash(buffer, keyStart, keyEnd);
  let entry = table.find(hash, buffer, keyStart, keyEnd);
  switch (code) {
    case operation.set: {
      const type = reader.uint8();
      const expiry = reader.float64();
      const size = reader.uint32();
      const from = reader.skip(size);
      if (entry === 0) entry = table.insert(hash, buffer, keyStart, keyEnd, type, size);
      else entry = table.resize(entry, size, false);
      buffer.copy(table.bytes, table.start, from, from + size);
      table.setType(entry, type);
      table.setExpiry(entry, expiry);
      table.setAge(entry, age);
      return;
    }
    case operation.delete:
      if (entry !== 0) table.remove(entry);
      return;
    case operation.expire: {
      const expiry = reader.float64();
      if (entry !== 0) table.setExpiry(entry, expiry);
      return;
    }
    case operation.patch: {
      const offset = reader.uint32();
      const size = reader.uint32();
      const from = reader.skip(size);
      if (entry !== 0) patchValue(table, entry, offset, buffer, from, from + size);
      return;
    }
    default:
      throw new BrokerError("CORRUPT", `journal: a keyspace record of unknown operation ${code}`);
  }
}
