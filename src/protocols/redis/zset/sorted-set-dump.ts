/**
 * Sorted sets in redis's dumps: a listpack where redis would keep one, else members and scores one behind the other, the highest first. What
 * is read may also be a ziplist, of redis before 7.0, or have scores as texts, of redis before 4.0.
 *
 * A sorted set of many members is dumped in slices: each member that keeps its place is in it once. Where a member is in what is read twice, the
 * last one counts.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { ByteWriter } from "../../../base/bytes.ts";
import type { Database } from "../../../keyspace/database.ts";
import { beyondListpack } from "../../../keyspace/value-type.ts";
import type { SortedSetValues } from "../../../keyspace/values/sorted/sorted-set.ts";
import { readScore, scoreBytes, writeScore } from "../../../keyspace/values/sorted/score-bytes.ts";
import type { CommandContext } from "../core/context.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { loadCollection } from "../dump/load-collection.ts";
import type { Payload } from "../dump/payload.ts";
import type { LoadedValue } from "../dump/value-forms.ts";
import { formatDouble, parseFloatStrict } from "../wire/numbers.ts";
import { ListpackReader, ListpackWriter } from "../wire/rdb/listpack.ts";
import { ElementPairs, RdbReader } from "../wire/rdb/reader.ts";
import { BadData, rdbType } from "../wire/rdb/types.ts";
import { writeLength, writeString } from "../wire/rdb/writer.ts";
import { ZiplistReader } from "../wire/rdb/ziplist.ts";
import { eachInRange } from "./range-walk.ts";
import { isListpackInteger, sortedSetsOf } from "./sorted-set-key.ts";

const listpack = new ListpackWriter();
const listpackBytes = new ByteWriter(1024);
/** Compressing costs about as much as this for a byte. */
const unitsOfWritten = 8;

export function* dumpSortedSet(
  payload: Payload,
  context: CommandContext,
  database: Database,
  entry: number,
): Job<void> {
  const { content } = database;
  const sets = sortedSetsOf(context);
  if ((database.table.typeWord(entry) & beyondListpack) === 0) writeListpack(payload, sets, database, entry);
  else {
    const last = sets.count(content, entry) - 1;
    const ranks = { first: last, count: Infinity, isReverse: true };
    const head = payload.open();
    const piece = new Piece();
    let count = 0;
    let written = payload.bytes;
    for (const units of eachInRange(sets, content, entry, ranks, () => {
      const { out } = payload;
      writeString(out, sets.bytes, sets.start, sets.end);
      const at = out.reserve(scoreBytes);
      writeScore(out.buffer, at, sets.score);
      count++;
    })) {
      const due = piece.add(units + unitsOfWritten * unitsOfBytes(payload.bytes - written));
      written = payload.bytes;
      payload.settle();
      if (due > 0) yield due;
    }
    payload.fill(head, (out) => writeLength(out.uint8(rdbType.zset), count));
  }
}

/** Some hundred short members, at once. */
function writeListpack({ out }: Payload, sets: SortedSetValues, { content }: Database, entry: number): void {
  listpackBytes.reset();
  listpack.begin(listpackBytes);
  sets.seek(content, entry, 0);
  while (sets.next()) {
    const { score } = sets;
    listpack.text(sets.bytes, sets.start, sets.end);
    if (isListpackInteger(score)) listpack.integer(score);
    else {
      const text = Buffer.from(formatDouble(score), "latin1");
      listpack.string(text, 0, text.length);
    }
  }
  listpack.end();
  writeString(out.uint8(rdbType.zsetListpack), listpackBytes.buffer, 0, listpackBytes.length);
}

/** Members with their scores, one after the other. */
interface ScoredElements {
  /** False at the end. */
  next(): boolean;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

export function loadSortedSet(reader: RdbReader, type: number): Job<LoadedValue> {
  const open = opener(reader, type);
  let count = 0;
  let longest = 0;
  return loadCollection({
    open,
    sizeOf({ start, end }: ScoredElements) {
      count++;
      if (end - start > longest) longest = end - start;
      return end - start;
    },
    create(database, key, start, end) {
      const entry = database.createSortedSet(key, start, end);
      // All is read once by now. Scores of -0 stay what they are in what redis would not make a listpack.
      const { sortedSetEntriesMax, sortedSetValueBytesMax } = database.encodings;
      if (count > sortedSetEntriesMax || longest > sortedSetValueBytesMax)
        database.content.addFlag(entry, beyondListpack);
      return entry;
    },
    changesOf: ({ sortedSet }) => sortedSet,
    add({ sortedSet }, { score, bytes, start, end }) {
      sortedSet.set(score, bytes, start, end);
    },
  });
}

/** Gives the members, as often as it is called. The first time `reader` passes them. */
function opener(reader: RdbReader, type: number): () => ScoredElements {
  if (type === rdbType.zsetListpack || type === rdbType.zsetZiplist) {
    reader.string();
    const { bytes, start, end } = reader;
    return () =>
      new PackedScored(
        type === rdbType.zsetListpack
          ? new ListpackReader(bytes, start, end)
          : new ZiplistReader(bytes, start, end),
      );
  }
  const isText = type === rdbType.zsetText;
  const count = reader.count(1 + (isText ? 1 : scoreBytes));
  const from = reader.position;
  let members = reader;
  return () => {
    const elements = new LooseScored(members, count, isText);
    members = new RdbReader(reader.buffer, from, reader.limit);
    return elements;
  };
}

function assertNumber(score: number): number {
  if (Number.isNaN(score)) throw new BadData("a score that is no number");
  return score;
}

/** Pairs of a listpack or ziplist. */
class PackedScored extends ElementPairs implements ScoredElements {
  score = 0;

  override next(): boolean {
    if (!super.next()) return false;
    const { bytes, start, end } = this.second;
    this.score = assertNumber(parseFloatStrict(bytes, start, end));
    return true;
  }

  get bytes(): Buffer {
    return this.firstBytes;
  }

  get start(): number {
    return this.firstStart;
  }

  get end(): number {
    return this.firstEnd;
  }
}

/** Strings, each with its score behind it. */
class LooseScored implements ScoredElements {
  readonly #reader: RdbReader;
  readonly #isText: boolean;
  #left: number;
  score = 0;

  constructor(reader: RdbReader, count: number, isText: boolean) {
    this.#reader = reader;
    this.#left = count;
    this.#isText = isText;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const reader = this.#reader;
    reader.string();
    this.score = assertNumber(
      this.#isText ? reader.textScore() : readScore(reader.buffer, reader.skip(scoreBytes)),
    );
    return true;
  }

  get bytes(): Buffer {
    return this.#reader.bytes;
  }

  get start(): number {
    return this.#reader.start;
  }

  get end(): number {
    return this.#reader.end;
  }
}
