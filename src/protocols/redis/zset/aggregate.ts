/**
 * Union, intersection and difference of the sets and sorted sets under several keys, as jobs.
 *
 * As with sets (set/algebra.ts): members are taken in batches, and the other keys are asked for a batch at a time, so one piece of work
 * is small. The values stay as they are between two pieces (core/claims).
 * Not here: what becomes of the members. Invariant: values are looked up by their keys in each piece, and while they are no record of
 * a build is open.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { SortedSetBuild } from "../../../keyspace/values/sorted/sorted-set-build.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { directBytesMax, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import { eachScoredBatch, type ScoredBatch, scorerOf, sizeOf } from "./scored-batch.ts";
import { sortedSetsOf } from "./sorted-set-key.ts";

export type Operation = "union" | "inter" | "diff";
type Combine = (one: number, other: number) => number;

interface Source {
  /** The argument of its key. */
  readonly index: number;
  readonly size: number;
  weight: number;
}

export interface Aggregate {
  readonly operation: Operation;
  /** Of unions and intersections, the smallest first: that is the order in which scores are added. */
  readonly sources: readonly Source[];
  readonly combine: Combine;
  readonly withScores: boolean;
  /** Of ZINTERCARD. */
  readonly limit: number;
  /** It is little work, and done at once. */
  readonly isShort: boolean;
}

const keysAtOnceMax = 100;
const unitsOfKey = 0.3;
const unitsOfLookup = 0.6;
const unitsOfAdding = 2;

const combines: Readonly<Record<"SUM" | "MIN" | "MAX", Combine>> = {
  SUM: (one, other) => orZero(one + other),
  // As redis: what is no number changes nothing.
  MIN: (one, other) => (other < one ? other : one),
  MAX: (one, other) => (other > one ? other : one),
};

function orZero(score: number): number {
  return Number.isNaN(score) ? 0 : score;
}

/** The arguments from the number of keys on. `purpose` says which options there are. Throws. */
export function parseAggregate(
  context: CommandContext,
  operation: Operation,
  numberIndex: number,
  purpose: "shown" | "stored" | "counted",
): Aggregate {
  const { request, spec } = context;
  const { argumentCount } = request;
  const keys = request.integer(numberIndex);
  if (Number.isNaN(keys)) throw new RedisError(errorTexts.notInteger);
  if (keys < 1) throw new RedisError(`ERR at least 1 input key is needed for '${spec.fullName}' command`);
  if (keys > argumentCount - numberIndex - 1) throw syntaxError();
  const sources: Source[] = [];
  let bytes = 0;
  for (let index = numberIndex + 1; index <= numberIndex + keys; index++) {
    const size = sizeOf(context, index);
    sources.push({ index, size: size.count, weight: 1 });
    bytes += size.bytes;
  }
  let combine = combines.SUM;
  let withScores = false;
  let limit = 0;
  for (let index = numberIndex + keys + 1; index < argumentCount; index++) {
    const left = argumentCount - index;
    const isWeighted = operation !== "diff" && purpose !== "counted";
    if (isWeighted && left > keys && request.is(index, "WEIGHTS")) {
      for (const source of sources) {
        source.weight = request.float(++index);
        if (Number.isNaN(source.weight)) throw new RedisError("ERR weight value is not a float");
      }
    } else if (isWeighted && left > 1 && request.is(index, "AGGREGATE")) {
      const name = request.latin1(++index).toUpperCase();
      if (name !== "SUM" && name !== "MIN" && name !== "MAX") throw syntaxError();
      combine = combines[name];
    } else if (purpose === "shown" && request.is(index, "WITHSCORES")) withScores = true;
    else if (purpose === "counted" && left > 1 && request.is(index, "LIMIT")) {
      limit = request.integer(++index);
      if (!(limit >= 0)) throw new RedisError("ERR LIMIT can't be negative");
    } else throw syntaxError();
  }
  const total = sources.reduce((sum, { size }) => sum + size, 0);
  if (operation !== "diff") sources.sort((one, other) => one.size - other.size);
  const work = operation === "union" ? total : sources[0]!.size * keys;
  return {
    operation,
    sources,
    combine,
    withScores,
    limit: limit === 0 ? Infinity : limit,
    isShort: keys <= keysAtOnceMax && work <= directItemsMax && bytes <= directBytesMax,
  };
}

/** Adds what the operation gives to the build. */
export function* make(context: CommandContext, aggregate: Aggregate, build: SortedSetBuild): Job<void> {
  const piece = new Piece();
  if (aggregate.operation === "union") yield* unite(context, aggregate, build, piece);
  else
    yield* select(context, aggregate, piece, function* (batch) {
      batch.each((score, bytes, start, end) => build.set(score, bytes, start, end));
      yield* added(build, batch, piece);
      return true;
    });
}

function* added(build: SortedSetBuild, batch: ScoredBatch, piece: Piece): Job<void> {
  build.pause();
  const due = piece.add(batch.count * unitsOfAdding + unitsOfBytes(batch.size));
  if (due > 0) yield due;
}

function* unite(
  context: CommandContext,
  { sources, combine }: Aggregate,
  build: SortedSetBuild,
  piece: Piece,
): Job<void> {
  const sets = sortedSetsOf(context);
  for (const { index, weight } of sources) {
    yield* eachScoredBatch(context, index, function* (batch) {
      batch.each((score, bytes, start, end) => {
        const weighted = orZero(score * weight);
        if (!build.find(bytes, start, end)) return build.set(weighted, bytes, start, end);
        const before = sets.score;
        const now = combine(before, weighted);
        if (!Object.is(now, before)) build.set(now, bytes, start, end);
      });
      yield* added(build, batch, piece);
      return true;
    });
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
}

/** Gives the members of the first source that all others have, or that none of them has, until `take` returns false. */
function* select(
  context: CommandContext,
  { operation, sources, combine }: Aggregate,
  piece: Piece,
  take: (batch: ScoredBatch) => Job<boolean>,
): Job<void> {
  const [first, ...others] = sources as [Source, ...Source[]];
  yield* eachScoredBatch(context, first.index, function* (batch) {
    if (operation === "inter") batch.rescore((score) => orZero(score * first.weight));
    for (const { index, weight } of others) {
      if (batch.count === 0) break;
      const units = unitsOfKey + unitsOfLookup * batch.count;
      const scorer = scorerOf(context, index);
      batch.rescore((score, bytes, start, end) => {
        const found = scorer(bytes, start, end);
        if (operation === "diff") return Number.isNaN(found) ? score : NaN;
        return Number.isNaN(found) ? NaN : combine(score, found * weight);
      });
      const due = piece.add(units);
      if (due > 0) yield due;
    }
    return batch.count === 0 || (yield* take(batch));
  });
}

/** How many members all sources have, up to the limit. */
export function* count(context: CommandContext, aggregate: Aggregate): Job<number> {
  let found = 0;
  const piece = new Piece();
  yield* select(context, aggregate, piece, function* (batch) {
    found += batch.count;
    const due = piece.add(unitsOfLookup * batch.count);
    if (due > 0) yield due;
    return found < aggregate.limit;
  });
  return Math.min(found, aggregate.limit);
}
