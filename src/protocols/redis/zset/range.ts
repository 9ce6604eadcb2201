/**
 * Ranges of a sorted set: by rank, by score, by name. What the arguments of a command say, and which ranks that is.
 *
 * Not here: what is done with the members. Invariant: a range that was resolved begins at a member and has as many as `count` says,
 * until the set changes.
 */
import type { KeyContent } from "../../../keyspace/content.ts";
import type { NameBound, SortedSetValues } from "../../../keyspace/values/sorted/sorted-set.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { parseFloatLoose } from "../wire/numbers.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

export type RangeKind = "rank" | "score" | "name";

const openParenthesis = 0x28;
const openBracket = 0x5b;
const plus = 0x2b;
const minus = 0x2d;

/** What a range was asked for by. One is used for all commands: `resolve` it at once. */
export class SortedRange {
  kind: RangeKind = "rank";
  isReverse = false;
  withScores = false;
  /** Of ranks: the first and the last, from the end where negative. Of scores: the lowest and the highest. */
  min = 0;
  max = 0;
  isMinExclusive = false;
  isMaxExclusive = false;
  /** Of names; null is no bound. */
  minName: NameBound | null = null;
  maxName: NameBound | null = null;
  isEmpty = false;
  offset = 0;
  /** Negative: all. */
  limit = -1;
  /** What `resolve` finds: the rank where a walk in the range's direction begins, and how many members it takes. */
  first = 0;
  count = 0;

  begin(kind: RangeKind, isReverse: boolean): void {
    this.kind = kind;
    this.isReverse = isReverse;
    this.withScores = this.isEmpty = this.isMinExclusive = this.isMaxExclusive = false;
    this.offset = 0;
    this.limit = -1;
  }

  /** Reads the bounds, in arguments `minIndex` and `maxIndex`. Throws. */
  readBounds(request: RequestArguments, minIndex: number, maxIndex: number): void {
    if (this.kind === "rank") {
      this.min = request.integer(minIndex);
      this.max = request.integer(maxIndex);
      if (Number.isNaN(this.min) || Number.isNaN(this.max)) throw new RedisError(errorTexts.notInteger);
    } else if (this.kind === "score") {
      this.isMinExclusive = isExclusive(request, minIndex);
      this.isMaxExclusive = isExclusive(request, maxIndex);
      this.min = scoreBound(request, minIndex, this.isMinExclusive);
      this.max = scoreBound(request, maxIndex, this.isMaxExclusive);
      if (Number.isNaN(this.min) || Number.isNaN(this.max))
        throw new RedisError("ERR min or max is not a float");
    } else {
      const min = nameBound(request, minIndex);
      const max = nameBound(request, maxIndex);
      // From the greatest name on, or up to the least: nothing.
      this.isEmpty = min === "greatest" || max === "least";
      this.minName = typeof min === "string" ? null : min;
      this.maxName = typeof max === "string" ? null : max;
    }
  }

  /** Finds `first` and `count` in a sorted set that is there. */
  resolve(sets: SortedSetValues, content: KeyContent, entry: number): void {
    let from: number;
    let to: number;
    const size = this.kind === "rank" || this.isReverse ? sets.count(content, entry) : 0;
    if (this.kind === "rank") {
      from = Math.max(this.min < 0 ? size + this.min : this.min, 0);
      to = Math.min(this.max < 0 ? size + this.max : this.max, size - 1) + 1;
      this.first = this.isReverse ? size - 1 - from : from;
      this.count = Math.max(to - from, 0);
      return;
    }
    if (this.kind === "score") {
      from = sets.rankOfScore(content, entry, this.min, this.isMinExclusive ? "behind" : "before");
      to = sets.rankOfScore(content, entry, this.max, this.isMaxExclusive ? "before" : "behind");
    } else {
      const { minName: min, maxName: max } = this;
      [from, to] = this.isEmpty ? [0, 0] : sets.namesBetween(content, entry, { min, max }, this.isReverse);
    }
    const found = Math.max(to - from, 0);
    // As redis: it steps over `offset` members until that is 0, which a negative one never is.
    const left = this.offset < 0 ? 0 : Math.max(found - this.offset, 0);
    this.count = this.limit < 0 ? left : Math.min(left, this.limit);
    this.first = this.isReverse ? to - 1 - this.offset : from + this.offset;
  }
}

function isExclusive({ buffer, starts, ends }: RequestArguments, index: number): boolean {
  return ends[index]! > starts[index]! && buffer[starts[index]!] === openParenthesis;
}

function scoreBound(request: RequestArguments, index: number, isExclusiveBound: boolean): number {
  const { buffer, starts, ends } = request;
  const whole = isExclusiveBound ? NaN : request.integer(index);
  if (Number.isSafeInteger(whole)) return whole;
  return parseFloatLoose(buffer, starts[index]! + (isExclusiveBound ? 1 : 0), ends[index]!);
}

function nameBound(request: RequestArguments, index: number): NameBound | "least" | "greatest" {
  const { buffer } = request;
  const start = request.starts[index]!;
  const size = request.size(index);
  const first = size === 0 ? 0 : buffer[start]!;
  if (first === openParenthesis || first === openBracket)
    return { bytes: request.copy(index).subarray(1), isExclusive: first === openParenthesis };
  const isAlone = size === 1 || (size > 1 && buffer[start + 1] === 0);
  if (isAlone && first === minus) return "least";
  if (isAlone && first === plus) return "greatest";
  throw new RedisError("ERR min or max not valid string range item");
}

const range = new SortedRange();

/** A command of that kind with two bounds, in arguments 2 and 3. Valid until the next call. */
export function simpleRange({ request }: CommandContext, kind: RangeKind): SortedRange {
  range.begin(kind, false);
  range.readBounds(request, 2, 3);
  return range;
}

/** Which options the command takes: of ZRANGE all, of the older ones what their names do not say. */
export interface RangeSyntax {
  /** The argument of the key that is read; the bounds follow it. */
  readonly keyIndex: number;
  /** Null: by an option. */
  readonly kind: RangeKind | null;
  readonly isReverse: boolean | null;
  readonly isStored: boolean;
}

/** The arguments of a command that reads or stores a range. Valid until the next call. Throws. */
export function parseRange({ request }: CommandContext, syntax: RangeSyntax): SortedRange {
  const { keyIndex, isStored } = syntax;
  range.begin(syntax.kind ?? "rank", syntax.isReverse ?? false);
  let isKindGiven = syntax.kind !== null;
  let isReverseGiven = syntax.isReverse !== null;
  for (let index = keyIndex + 3; index < request.argumentCount; index++) {
    const left = request.argumentCount - 1 - index;
    if (!isStored && request.is(index, "WITHSCORES")) range.withScores = true;
    else if (left >= 2 && request.is(index, "LIMIT")) {
      range.offset = request.integer(index + 1);
      range.limit = request.integer(index + 2);
      if (Number.isNaN(range.offset) || Number.isNaN(range.limit))
        throw new RedisError(errorTexts.notInteger);
      index += 2;
    } else if (!isReverseGiven && request.is(index, "REV")) range.isReverse = isReverseGiven = true;
    else if (!isKindGiven && request.is(index, "BYLEX")) {
      range.kind = "name";
      isKindGiven = true;
    } else if (!isKindGiven && request.is(index, "BYSCORE")) {
      range.kind = "score";
      isKindGiven = true;
    } else throw syntaxError();
  }
  if (range.limit !== -1 && range.kind === "rank") {
    throw new RedisError(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  if (range.withScores && range.kind === "name")
    throw new RedisError("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  // In reverse the higher bound comes first, but for ranks, which are counted from the end then.
  const isSwapped = range.isReverse && range.kind !== "rank";
  range.readBounds(request, keyIndex + (isSwapped ? 2 : 1), keyIndex + (isSwapped ? 1 : 2));
  return range;
}
