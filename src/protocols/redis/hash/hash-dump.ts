/**
 * Hashes in redis's dumps: a listpack where redis would keep one, else fields and values one behind the other. What is read may also
 * be a ziplist, of redis before 7.0.
 *
 * A hash of many fields is dumped in slices: each field that is there throughout is in it once, with the value that it has when it is
 * met. Where a field is in what is read twice, the last one counts.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { beyondListpack } from "../../../keyspace/value-type.ts";
import type { ElementTable, Ref } from "../../../keyspace/values/element-table.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { Piece, unitsOfBytes } from "../core/sliced-reply.ts";
import type { LoadedValue } from "../keys/dump/value-forms.ts";
import { ListpackReader, ListpackWriter } from "../wire/rdb/listpack.ts";
import { ElementPairs, RdbReader, StringElements } from "../wire/rdb/reader.ts";
import { type RdbElements, RdbFormatError, rdbType } from "../wire/rdb/types.ts";
import { writeLength, writeString } from "../wire/rdb/writer.ts";
import { ZiplistReader } from "../wire/rdb/ziplist.ts";
import { hashesOf } from "./hash-key.ts";
import { ElementWalk } from "../core/element-walk.ts";

const listpack = new ListpackWriter();
/** Reading or setting a field. */
const unitsOfField = 0.5;
/** Compressing costs about as much as this for a byte. */
const unitsOfWritten = 8;

export function* dumpHash(
  context: CommandContext,
  database: Database,
  entry: number,
  parts: PartedReply,
): Job<void> {
  const { content } = database;
  const isListpack = (database.table.typeWord(entry) & beyondListpack) === 0;
  if (!content.isLarge(entry)) writePacked(context, database, entry, isListpack);
  else if (isListpack) writeLargeListpack(context, content.elementsOf(entry));
  else yield* writeLarge(context, parts, new ElementWalk(content, entry));
}

function writePacked(context: CommandContext, database: Database, entry: number, isListpack: boolean): void {
  const { out } = context.reply;
  const hashes = hashesOf(context);
  const count = hashes.count(database.content, entry);
  hashes.begin(database.content, entry);
  if (isListpack) listpack.begin();
  else writeLength(out.uint8(rdbType.hash), count);
  while (hashes.next()) {
    const { bytes, fieldStart, fieldEnd, start, end } = hashes;
    if (isListpack) {
      listpack.add(bytes, fieldStart, fieldEnd);
      listpack.add(bytes, start, end);
    } else {
      writeString(out, bytes, fieldStart, fieldEnd);
      writeString(out, bytes, start, end);
    }
  }
  if (isListpack) writeListpack(context);
}

function writeListpack({ reply: { out } }: CommandContext): void {
  listpack.finish();
  writeString(out.uint8(rdbType.hashListpack), listpack.out.buffer, 0, listpack.out.length);
}

/** A few hundred short fields, in the order of their bytes: that of their hashes differs from start to start. */
function writeLargeListpack(context: CommandContext, table: ElementTable): void {
  const refs: Ref[] = [];
  let cursor = 0;
  do cursor = table.scan(cursor, table.count, refs);
  while (cursor !== 0);
  const fields = refs.map((ref) => {
    table.locateKey(ref);
    return { ref, field: Buffer.from(table.bytes.subarray(table.start, table.end)) };
  });
  listpack.begin();
  for (const { ref, field } of fields.toSorted((a, b) => a.field.compare(b.field))) {
    listpack.add(field, 0, field.length);
    table.locate(ref);
    listpack.add(table.bytes, table.start, table.end);
  }
  writeListpack(context);
}

function* writeLarge(context: CommandContext, parts: PartedReply, walk: ElementWalk): Job<void> {
  const { out } = context.reply;
  const head = parts.openList();
  const { table } = walk;
  const piece = new Piece();
  let count = 0;
  let written = out.length;
  for (const units of walk.go(Infinity, (ref) => {
    table.locateKey(ref);
    writeString(out, table.bytes, table.start, table.end);
    table.locate(ref);
    writeString(out, table.bytes, table.start, table.end);
    count++;
  })) {
    const due = piece.add(units + unitsOfWritten * unitsOfBytes(Math.max(out.length - written, 0)));
    if (due > 0) yield due;
    written = out.length;
  }
  parts.fill(head, (reply) => writeLength(reply.out.uint8(rdbType.hash), count));
}

export function* loadHash(reader: RdbReader, type: number): Job<LoadedValue> {
  const open = opener(reader, type);
  const fields = open();
  const piece = new Piece();
  let count = 0;
  let bytes = 0;
  while (fields.next()) {
    count++;
    const size = fields.firstEnd - fields.firstStart + fields.second.end - fields.second.start;
    bytes += size;
    const due = piece.add(unitsOfField + unitsOfBytes(size));
    if (due > 0) yield due;
  }
  if (count === 0) throw new RdbFormatError("a hash without fields");
  return {
    units: count * unitsOfField + unitsOfBytes(bytes),
    put: (database, key, start, end) => putFields(open(), database, key, start, end),
  };
}

/** Gives the fields, as often as it is called. */
function opener(reader: RdbReader, type: number): () => ElementPairs {
  if (type === rdbType.hash) {
    const count = reader.length();
    const from = reader.at;
    return () =>
      new ElementPairs(new StringElements(new RdbReader(reader.buffer, from, reader.end), 2 * count));
  }
  reader.string();
  const { bytes, start, stop } = reader;
  const open = (): RdbElements =>
    type === rdbType.hashListpack
      ? new ListpackReader(bytes, start, stop)
      : new ZiplistReader(bytes, start, stop);
  return () => new ElementPairs(open());
}

function* putFields(
  fields: ElementPairs,
  database: Database,
  key: Uint8Array,
  start: number,
  end: number,
): Job<void> {
  const piece = new Piece();
  let entry = database.createHash(key, start, end);
  for (let isMore = fields.next(); isMore;) {
    database.hash.open(entry);
    let due = 0;
    try {
      for (; isMore && due === 0; isMore = fields.next()) {
        const { second } = fields;
        const { firstBytes, firstStart, firstEnd } = fields;
        database.hash.set(firstBytes, firstStart, firstEnd, second.bytes, second.start, second.end);
        due = piece.add(unitsOfField + unitsOfBytes(second.end - second.start));
      }
    } finally {
      database.hash.close();
    }
    if (!isMore) return;
    yield due;
    // It may have become a large one, and its entry another.
    entry = database.find(key, start, end);
  }
}
