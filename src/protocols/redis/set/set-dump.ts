/**
 * Sets in redis's dumps: an intset where redis would keep one, else members one behind the other. What is read may also be a listpack,
 * of redis 7.2.
 *
 * A set of many members is dumped in slices: each member that is there throughout is in it once.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { orderedRefs, type SetValues } from "../../../keyspace/values/set.ts";
import type { CommandContext } from "../core/context.ts";
import { ElementWalk } from "../core/element-walk.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { loadCollection } from "../dump/load-collection.ts";
import type { Payload } from "../dump/payload.ts";
import type { LoadedValue } from "../dump/value-forms.ts";
import { parseBigInteger } from "../wire/numbers.ts";
import { IntsetReader, writeIntset } from "../wire/rdb/intset.ts";
import { ListpackReader } from "../wire/rdb/listpack.ts";
import { type RdbReader, stringsAgain } from "../wire/rdb/reader.ts";
import { type RdbElements, rdbType } from "../wire/rdb/types.ts";
import { writeLength, writeString } from "../wire/rdb/writer.ts";
import { setsOf } from "./set-key.ts";

const intsetBytes = new ByteWriter(1024);
/** Compressing costs about as much as this for a byte. */
const unitsOfWritten = 8;

export function* dumpSet(
  payload: Payload,
  context: CommandContext,
  database: Database,
  entry: number,
): Job<void> {
  const { content } = database;
  const sets = setsOf(context);
  if (sets.isIntset(content, entry)) writeIntegers(payload, sets, database, entry);
  else if (content.isLarge(entry)) yield* writeLarge(payload, new ElementWalk(content, entry));
  else {
    const { out } = payload;
    writeLength(out.uint8(rdbType.set), sets.count(content, entry));
    sets.begin(content, entry);
    while (sets.next()) writeString(out, sets.bytes, sets.start, sets.end);
  }
}

/** As many as redis keeps in an intset, a few hundred; in their order. */
function writeIntegers({ out }: Payload, sets: SetValues, { content }: Database, entry: number): void {
  const integers: bigint[] = [];
  const table = sets.tableOf(content, entry);
  if (table === null) {
    sets.begin(content, entry);
    while (sets.next()) integers.push(parseBigInteger(sets.bytes, sets.start, sets.end)!);
  } else {
    for (const ref of orderedRefs(table)) {
      table.locateKey(ref);
      integers.push(parseBigInteger(table.bytes, table.start, table.end)!);
    }
  }
  intsetBytes.reset();
  writeIntset(intsetBytes, integers);
  writeString(out.uint8(rdbType.setIntset), intsetBytes.buffer, 0, intsetBytes.length);
}

function* writeLarge(payload: Payload, walk: ElementWalk): Job<void> {
  const head = payload.open();
  const { table } = walk;
  const piece = new Piece();
  let count = 0;
  let written = payload.bytes;
  for (const units of walk.go(Infinity, (ref) => {
    table.locateKey(ref);
    writeString(payload.out, table.bytes, table.start, table.end);
    count++;
  })) {
    const due = piece.add(units + unitsOfWritten * unitsOfBytes(payload.bytes - written));
    written = payload.bytes;
    payload.settle();
    if (due > 0) yield due;
  }
  payload.fill(head, (out) => writeLength(out.uint8(rdbType.set), count));
}

export function loadSet(reader: RdbReader, type: number): Job<LoadedValue> {
  return loadCollection({
    open: opener(reader, type),
    sizeOf: ({ start, end }: RdbElements) => end - start,
    create: (database, key, start, end) => database.createSet(key, start, end),
    changesOf: ({ set }) => set,
    add({ set }, { bytes, start, end }) {
      set.add(bytes, start, end);
    },
  });
}

/** Gives the members, as often as it is called. The first time `reader` passes them. */
function opener(reader: RdbReader, type: number): () => RdbElements {
  if (type === rdbType.set) return stringsAgain(reader, reader.count(1));
  reader.string();
  const { bytes, start, end } = reader;
  return () =>
    type === rdbType.setIntset ? new IntsetReader(bytes, start, end) : new ListpackReader(bytes, start, end);
}
