/**
 * Some members with scores in memory of their own, so that they stay as they are while a job goes on in later turns; and a set or
 * sorted set as batches of its members.
 *
 * Not here: what is done with them. Invariant: as with `MemberBatch`: a batch of a large value has about 64 KiB at most, unless one
 * member has more.
 */
import type { Job } from "../../../base/turn-work.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { ElementWalk } from "../core/element-walk.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { findEntry, findTyped, keysOf } from "../keys/key-access.ts";
import { lookedUp } from "../notifications/lookups.ts";
import { eachBatch, MemberBatch } from "../set/member-batch.ts";
import { sortedSetsOf } from "./sorted-set-key.ts";

const membersWanted = 64;
const batchBytes = 64 << 10;
/** Of each member of a set. */
const scoreInSets = 1;

export class ScoredBatch {
  #members = new MemberBatch();
  readonly #scores: number[] = [];

  get count(): number {
    return this.#members.count;
  }

  /** Bytes of the members. */
  get size(): number {
    return this.#members.size;
  }

  clear(): void {
    this.#members.clear();
    this.#scores.length = 0;
  }

  add(score: number, bytes: Uint8Array, start: number, end: number): void {
    this.#members.add(bytes, start, end);
    this.#scores.push(score);
  }

  /** The members of a batch of a set. */
  takeMembers(members: MemberBatch): void {
    this.#members = members;
    this.#scores.length = 0;
    for (let i = 0; i < members.count; i++) this.#scores.push(scoreInSets);
  }

  each(visit: (score: number, bytes: Buffer, start: number, end: number) => void): void {
    let i = 0;
    this.#members.each((bytes, start, end) => visit(this.#scores[i++]!, bytes, start, end));
  }

  /** Gives each member the score that `judge` says; it goes where that is NaN. */
  rescore(judge: (score: number, bytes: Buffer, start: number, end: number) => number): void {
    const scores = this.#scores;
    let from = 0;
    let to = 0;
    this.#members.retain((bytes, start, end) => {
      const score = judge(scores[from++]!, bytes, start, end);
      if (Number.isNaN(score)) return false;
      scores[to++] = score;
      return true;
    });
    scores.length = to;
  }
}

/** The entry of a set or sorted set, or 0. Throws WRONGTYPE. */
function findScored(context: CommandContext, index: number): number {
  const database = keysOf(context);
  const entry = findEntry(context, database, index);
  if (entry === 0) return findTyped(context, database, index, valueType.sortedSet);
  lookedUp(context, index, database.number, true);
  const type = database.table.type(entry);
  if (type !== valueType.sortedSet && type !== valueType.set) throw new RedisError(errorTexts.wrongType);
  return entry;
}

/** How many members it has, and their bytes, roughly. */
export function sizeOf(context: CommandContext, index: number): { count: number; bytes: number } {
  const entry = findScored(context, index);
  if (entry === 0) return { count: 0, bytes: 0 };
  const { content } = keysOf(context);
  const { keyspace } = context.server;
  if (content.table.type(entry) === valueType.set)
    return { count: keyspace.sets.count(content, entry), bytes: keyspace.sets.memberBytes(content, entry) };
  const sets = sortedSetsOf(context);
  const large = sets.largeOf(content, entry);
  return { count: sets.count(content, entry), bytes: large?.liveBytes ?? content.table.valueLength(entry) };
}

/** From a member to its score in the value of that argument, as it is now; NaN for none. Of use until something changes. */
export function scorerOf(
  context: CommandContext,
  index: number,
): (bytes: Uint8Array, start: number, end: number) => number {
  const entry = findScored(context, index);
  if (entry === 0) return () => NaN;
  const { content } = keysOf(context);
  if (content.table.type(entry) === valueType.set) {
    const { sets } = context.server.keyspace;
    return (bytes, start, end) => (sets.has(content, entry, bytes, start, end) ? scoreInSets : NaN);
  }
  const sets = sortedSetsOf(context);
  return (bytes, start, end) => (sets.find(content, entry, bytes, start, end) ? sets.score : NaN);
}

/**
 * Has `use` see all members of the value of that argument, batch by batch, until it returns false. Of a large one that `use` changes,
 * what is there throughout is met exactly once; where it goes, the walk ends.
 */
export function* eachScoredBatch(
  context: CommandContext,
  index: number,
  use: (batch: ScoredBatch) => Job<boolean>,
): Job<void> {
  const entry = findScored(context, index);
  if (entry === 0) return;
  const { content } = keysOf(context);
  const batch = new ScoredBatch();
  if (content.table.type(entry) === valueType.set) {
    yield* eachBatch(context.server.keyspace.sets, content, entry, function* (members) {
      batch.takeMembers(members);
      return yield* use(batch);
    });
    return;
  }
  const sets = sortedSetsOf(context);
  const large = sets.largeOf(content, entry);
  if (large === null) {
    sets.seek(content, entry, 0);
    while (sets.next()) batch.add(sets.score, sets.bytes, sets.start, sets.end);
    yield* use(batch);
    return;
  }
  const { elements } = large;
  const walk = new ElementWalk(content, entry, elements);
  const fitting = Math.floor((batchBytes * large.count) / (large.liveBytes + 1));
  const wanted = Math.max(1, Math.min(membersWanted, fitting));
  do {
    batch.clear();
    yield* walk.go(wanted, (ref) => {
      const score = large.scoreOf(ref);
      elements.locateKey(ref);
      batch.add(score, elements.bytes, elements.start, elements.end);
    });
    if (!(yield* use(batch))) return;
  } while (walk.cursor !== 0);
}
