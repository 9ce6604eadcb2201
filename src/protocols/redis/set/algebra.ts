/**
 * Intersection, union and difference of the sets under several keys, as jobs.
 *
 * Each takes the members of a set in batches and asks the other sets for a batch at a time, so one piece of work is small however
 * many sets there are and however large they are. The sets stay as they are meanwhile (core/claims).
 * Not here: what becomes of the members. Invariant: sets are looked up by their keys in each piece, and while they are no
 * record of a build is open.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { SetBuild } from "../../../keyspace/values/set-build.ts";
import type { CommandContext } from "../core/context.ts";
import { directBytesMax, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { eachBatch, type MemberBatch } from "./member-batch.ts";
import { findSet, setsOf } from "./set-key.ts";

/** The sets that a command names: `count` arguments from `first` on. */
export interface SetKeys {
  readonly first: number;
  readonly count: number;
}

const keysAtOnceMax = 100;
const unitsOfKey = 0.3;
const unitsOfLookup = 0.2;
const unitsOfAdding = 0.6;

/** Whether an operation on these sets is so little work that it is done at once. Throws WRONGTYPE. */
export function isShort(
  context: CommandContext,
  { first, count }: SetKeys,
  how: "intersect" | "add",
): boolean {
  if (count > keysAtOnceMax) return false;
  const sets = setsOf(context);
  const database = keysOf(context);
  const { content } = database;
  let least = Infinity;
  let members = 0;
  let bytes = 0;
  for (let index = first; index < first + count; index++) {
    const entry = findSet(context, database, index);
    const size = entry === 0 ? 0 : sets.count(content, entry);
    const sizeBytes = entry === 0 ? 0 : sets.memberBytes(content, entry);
    members += size;
    bytes = how === "add" ? bytes + sizeBytes : size < least ? sizeBytes : bytes;
    least = Math.min(least, size);
  }
  const work = how === "add" ? members : least * count;
  return work <= directItemsMax && bytes <= directBytesMax;
}

/** The sizes of the sets that are there, and who is the smallest. */
interface Sizes {
  readonly first: number;
  readonly sum: number;
  readonly existing: number;
  readonly smallest: { readonly index: number; readonly size: number };
}

/** Looks at all keys in their order, as redis does first. Throws WRONGTYPE. */
function* sizesOf(context: CommandContext, { first, count }: SetKeys, piece: Piece): Job<Sizes> {
  const sizes = { first: 0, sum: 0, existing: 0, smallest: { index: first, size: Infinity } };
  for (let index = first; index < first + count; index++) {
    const database = keysOf(context);
    const entry = findSet(context, database, index);
    const size = entry === 0 ? 0 : setsOf(context).count(database.content, entry);
    if (index === first) sizes.first = size;
    if (entry !== 0) sizes.existing++;
    sizes.sum += size;
    if (size < sizes.smallest.size) sizes.smallest = { index, size };
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
  return sizes;
}

/** Keeps those members of a batch that the set of argument `index` has, or those that it has not. */
function judge(context: CommandContext, batch: MemberBatch, index: number, mustHave: boolean): number {
  const database = keysOf(context);
  const { content } = database;
  const entry = findSet(context, database, index);
  const sets = setsOf(context);
  const { count } = batch;
  if (entry !== 0)
    batch.retain((bytes, start, end) => sets.has(content, entry, bytes, start, end) === mustHave);
  else if (mustHave) batch.clear();
  return unitsOfKey + unitsOfLookup * count;
}

/** Keeps what all other sets have, or what none of them has. */
function* judgeByAll(
  context: CommandContext,
  { first, count }: SetKeys,
  own: number,
  batch: MemberBatch,
  mustHave: boolean,
  piece: Piece,
): Job<void> {
  for (let index = first; index < first + count && batch.count > 0; index++) {
    if (index === own) continue;
    const due = piece.add(judge(context, batch, index, mustHave));
    if (due > 0) yield due;
  }
}

function* eachOf(
  context: CommandContext,
  index: number,
  use: (batch: MemberBatch) => Job<boolean>,
): Job<void> {
  const database = keysOf(context);
  const entry = findSet(context, database, index);
  if (entry !== 0) yield* eachBatch(setsOf(context), database.content, entry, use);
}

/** Gives the members that all sets have, in the order of the smallest set, until `take` returns false. */
export function* intersect(
  context: CommandContext,
  keys: SetKeys,
  take: (batch: MemberBatch) => boolean,
): Job<void> {
  const piece = new Piece();
  const { smallest } = yield* sizesOf(context, keys, piece);
  if (smallest.size === 0) return;
  yield* eachOf(context, smallest.index, function* (batch) {
    yield* judgeByAll(context, keys, smallest.index, batch, true, piece);
    const units = batch.count * unitsOfAdding + unitsOfBytes(batch.size);
    const goesOn = batch.count === 0 || take(batch);
    const due = piece.add(units);
    if (due > 0) yield due;
    return goesOn;
  });
}

function addTo(build: SetBuild, batch: MemberBatch, piece: Piece): number {
  batch.each((bytes, start, end) => build.add(bytes, start, end));
  build.pause();
  return piece.add(batch.count * unitsOfAdding + unitsOfBytes(batch.size));
}

/** Adds the members that any of the sets has. */
export function* unite(context: CommandContext, keys: SetKeys, build: SetBuild): Job<void> {
  const piece = new Piece();
  yield* sizesOf(context, keys, piece);
  for (let index = keys.first; index < keys.first + keys.count; index++) {
    yield* eachOf(context, index, function* (batch) {
      const due = addTo(build, batch, piece);
      if (due > 0) yield due;
      return true;
    });
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
}

/**
 * Adds the members of the first set that none of the others has: by asking the others for each, or by adding all and taking out
 * those of the others. Which it is, is redis's choice, since that of a result that has had all may show in its encoding.
 */
export function* subtract(context: CommandContext, keys: SetKeys, build: SetBuild): Job<void> {
  const piece = new Piece();
  const { first, sum, existing } = yield* sizesOf(context, keys, piece);
  if (first === 0) return;
  const asks = Math.floor((first * existing) / 2) <= sum;
  yield* eachOf(context, keys.first, function* (batch) {
    if (asks) yield* judgeByAll(context, keys, keys.first, batch, false, piece);
    const due = addTo(build, batch, piece);
    if (due > 0) yield due;
    return true;
  });
  if (asks) return;
  for (let index = keys.first + 1; index < keys.first + keys.count && build.count > 0; index++) {
    yield* eachOf(context, index, function* (batch) {
      batch.each((bytes, start, end) => build.remove(bytes, start, end));
      build.pause();
      const due = piece.add(batch.count * unitsOfAdding);
      if (due > 0) yield due;
      return true;
    });
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
}
