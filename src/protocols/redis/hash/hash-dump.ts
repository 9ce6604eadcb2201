/**
 * Hashes in redis's dumps: a listpack where redis would keep one, else fields and values one behind the other. What is read may also
 * be a ziplist, of redis before 7.0, or a zipmap, of redis before 2.6.
 *
 * A hash of many fields is dumped in slices: each field that is there throughout is in it once, with the value that it has when it is
 * met. Where a field is in what is read twice, the last one counts.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { ByteWriter } from "../../../base/bytes.ts";
import type { Database } from "../../../keyspace/database.ts";
import { beyondListpack, hasExpiringFields } from "../../../keyspace/value-type.ts";
import type { HashValues } from "../../../keyspace/values/hash.ts";
import type { ElementTable, Ref } from "../../../keyspace/values/element-table.ts";
import type { CommandContext } from "../core/context.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { loadCollection } from "../dump/load-collection.ts";
import type { Payload } from "../dump/payload.ts";
import type { LoadedValue } from "../dump/value-forms.ts";
import { ListpackReader, ListpackWriter } from "../wire/rdb/listpack.ts";
import { ElementPairs, type RdbReader, stringsAgain } from "../wire/rdb/reader.ts";
import { type RdbElements, rdbType } from "../wire/rdb/types.ts";
import { writeLength, writeString } from "../wire/rdb/writer.ts";
import { ZiplistReader } from "../wire/rdb/ziplist.ts";
import { ZipmapReader } from "../wire/rdb/zipmap.ts";
import { hashesOf } from "./hash-key.ts";
import { dumpTimedHash } from "./timed-hash-dump.ts";
import { ElementWalk } from "../core/element-walk.ts";

const listpack = new ListpackWriter();
const listpackBytes = new ByteWriter(1024);
/** Compressing costs about as much as this for a byte. */
const unitsOfWritten = 8;

export function* dumpHash(
  payload: Payload,
  context: CommandContext,
  database: Database,
  entry: number,
): Job<void> {
  const { content } = database;
  if (
    hasExpiringFields(database.table.typeWord(entry)) &&
    (yield* dumpTimedHash(payload, context, database, entry))
  )
    return;
  const isListpack = (database.table.typeWord(entry) & beyondListpack) === 0;
  if (content.isLarge(entry)) {
    if (isListpack) writeLargeListpack(payload, content.elementsOf(entry));
    else yield* writeLarge(payload, new ElementWalk(content, entry));
    return;
  }
  const hashes = hashesOf(context);
  const count = hashes.count(content, entry);
  hashes.begin(content, entry);
  if (isListpack) writePackedListpack(payload, hashes);
  else writePacked(payload, hashes, count);
}

function writePacked({ out }: Payload, hashes: HashValues, count: number): void {
  writeLength(out.uint8(rdbType.hash), count);
  while (hashes.next()) {
    writeString(out, hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
    writeString(out, hashes.bytes, hashes.start, hashes.end);
  }
}

function writePackedListpack(payload: Payload, hashes: HashValues): void {
  beginListpack();
  while (hashes.next()) {
    listpack.text(hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
    listpack.text(hashes.bytes, hashes.start, hashes.end);
  }
  writeListpack(payload);
}

function beginListpack(): void {
  listpackBytes.reset();
  listpack.begin(listpackBytes);
}

function writeListpack({ out }: Payload): void {
  listpack.end();
  writeString(out.uint8(rdbType.hashListpack), listpackBytes.buffer, 0, listpackBytes.length);
}

/** A few hundred short fields, in the order of their bytes: that of their hashes differs from start to start. */
function writeLargeListpack(payload: Payload, table: ElementTable): void {
  const refs: Ref[] = [];
  let cursor = 0;
  do cursor = table.scan(cursor, table.count, refs);
  while (cursor !== 0);
  const fields = refs.map((ref) => {
    table.locateKey(ref);
    return { ref, field: Buffer.from(table.bytes.subarray(table.start, table.end)) };
  });
  beginListpack();
  for (const { ref, field } of fields.toSorted((a, b) => a.field.compare(b.field))) {
    listpack.text(field, 0, field.length);
    table.locate(ref);
    listpack.text(table.bytes, table.start, table.end);
  }
  writeListpack(payload);
}

function* writeLarge(payload: Payload, walk: ElementWalk): Job<void> {
  const head = payload.open();
  const { table } = walk;
  const piece = new Piece();
  let count = 0;
  let written = payload.bytes;
  for (const units of walk.go(Infinity, (ref) => {
    const { out } = payload;
    table.locateKey(ref);
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
  payload.fill(head, (out) => writeLength(out.uint8(rdbType.hash), count));
}

export function loadHash(reader: RdbReader, type: number): Job<LoadedValue> {
  return loadCollection({
    open: opener(reader, type),
    sizeOf: ({ firstStart, firstEnd, second }: ElementPairs) =>
      firstEnd - firstStart + second.end - second.start,
    create: (database, key, start, end) => database.createHash(key, start, end),
    changesOf: ({ hash }) => hash,
    add({ hash }, { firstBytes, firstStart, firstEnd, second }) {
      hash.set(firstBytes, firstStart, firstEnd, second.bytes, second.start, second.end);
    },
  });
}

/** Gives the fields, as often as it is called. The first time `reader` passes them. */
function opener(reader: RdbReader, type: number): () => ElementPairs {
  if (type === rdbType.hash) {
    const strings = stringsAgain(reader, 2 * reader.count(2));
    return () => new ElementPairs(strings());
  }
  reader.string();
  const { bytes, start, end } = reader;
  const Packed =
    type === rdbType.hashListpack
      ? ListpackReader
      : type === rdbType.hashZiplist
        ? ZiplistReader
        : ZipmapReader;
  const open = (): RdbElements => new Packed(bytes, start, end);
  return () => new ElementPairs(open());
}
