/**
 * What becomes of an entry that consumer groups still refer to, when it is deleted (redis 8.2): KEEPREF, DELREF, ACKED.
 *
 *     keep     the entry goes, who has it pending keeps it pending (what redis has always done)
 *     delete   the entry goes, and is pending nowhere
 *     acked    the entry goes only where every group has got it and acknowledged it
 *
 * Not here: which entries are to go (trim.ts, xdelex.ts). Invariant: what `delete` has removed no group holds.
 */
import { finishNow, type Job, Piece } from "../../../base/turn-work.ts";
import { removeBelow } from "../../../broker/queue/removal.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { LogReader } from "../../../storage/logs.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";

import type { RequestArguments } from "../wire/request-arguments.ts";
import { strictIdArgument } from "./id.ts";
import { findEntry, seal } from "./stream.ts";

export type References = "keep" | "delete" | "acked";

const unitsOfEntry = 1;
const unitsOfGroup = 0.3;
/** Passing one that was deleted before. */
const unitsOfGone = 0.1;
/** Passes over the groups before an XTRIM with DELREF that others can take turns with. */
const passesMax = 4;
const scratchId = new EntryId();

/** The option in argument `index`; null where it is none of these. */
export function referencesOption(request: RequestArguments, index: number): References | null {
  if (request.is(index, "KEEPREF")) return "keep";
  if (request.is(index, "DELREF")) return "delete";
  return request.is(index, "ACKED") ? "acked" : null;
}

/** What becomes of references, and which arguments are the ids. */
export interface ReferencedIds {
  readonly references: References;
  readonly first: number;
  readonly end: number;
}

/** Throws where one of the ids is none. */
export function checkIds({ request }: CommandContext, { first, end }: ReferencedIds): void {
  for (let at = first; at < end; at++) strictIdArgument(request, at, scratchId);
}

/** `[KEEPREF | DELREF | ACKED] IDS numids id [id ...]` from argument `index` on, in any order. The ids are not looked at. */
export function referencesAndIds({ request }: CommandContext, index: number): ReferencedIds {
  let references: References | null = null;
  let first = 0;
  let end = 0;
  for (let at = index; at < request.argumentCount; at++) {
    const option = referencesOption(request, at);
    if (option !== null) {
      if (references !== null) throw new RedisError("ERR syntax error");
      references = option;
    } else if (request.is(at, "IDS") && at + 1 < request.argumentCount) {
      const count = request.integer(at + 1);
      if (!(count > 0)) throw new RedisError("ERR Number of IDs must be a positive integer");
      first = at + 2;
      end = first + count;
      if (end > request.argumentCount)
        throw new RedisError("ERR The `numids` parameter must match the number of arguments");
      at = end - 1;
    } else throw new RedisError("ERR syntax error");
  }
  if (first === 0) throw new RedisError("ERR syntax error");
  return { references: references ?? "keep", first, end };
}

/** Whether some group has still to get the entry of that id, or has not acknowledged it. */
export function isReferenced({ groups }: Queue, id: EntryId): boolean {
  for (const { lastId, pending } of groups.values())
    if (id.compare(lastId) > 0 || pending.findId(id) >= 0) return true;
  return false;
}

/** No group has the entry of that id pending from now on. */
function dropReferences({ groups }: Queue, id: EntryId): void {
  for (const cursor of groups.values()) {
    const offset = cursor.pending.findId(id);
    if (offset >= 0) cursor.settle(offset);
  }
}

/** What looking at the groups of an entry costs. */
export function unitsOfReferences({ groups }: Queue): number {
  return unitsOfEntry + unitsOfGroup * groups.size;
}

/** Deletes the entry of an id; says whether it was there. With `acked` the caller has asked `isReferenced`. */
export function deleteEntry(queue: Queue, reader: LogReader, id: EntryId, references: References): boolean {
  const { log } = queue;
  // Of one that is gone too.
  if (references === "delete") dropReferences(queue, id);
  if (!findEntry(reader, id)) return false;
  queue.removeAt(reader.offset);
  if (id.compare(log.maxDeletedId) > 0) log.maxDeletedId.copyFrom(id);
  return true;
}

/** Entries below an offset are to go, so many of them at most. */
export interface ReferencedTrim {
  readonly references: References;
  readonly target: number;
  readonly most: number;
}

/**
 * Removes entries from the front; returns how many. In slices: others read and acknowledge meanwhile. `changed` is called in each slice
 * that has removed something.
 */
export function* trimReferenced(
  queue: Queue,
  plan: ReferencedTrim,
  changed: () => void = () => {},
): Job<number> {
  if (plan.references === "acked") return yield* removeAcked(queue, plan, changed);
  const removed = yield* removeAll(queue, plan.target);
  if (removed > 0) changed();
  return removed;
}

/** No group holds then what is removed: neither what others have got between the slices. */
function* removeAll(queue: Queue, target: number): Job<number> {
  const { log } = queue;
  let isWhole = false;
  for (let pass = 0; pass < passesMax && !isWhole; pass++) isWhole = yield* settleBelow(queue, target);
  if (queue.isDeleted || target <= log.firstOffset) return 0;
  // Readers have got more in each pass: they have to wait for this one.
  if (!isWhole) finishNow(settleBelow(queue, target));
  const { length } = log;
  removeBelow(queue, target);
  return length - log.length;
}

/** Says whether it ended in the slice in which it began, so that no group holds anything. */
function* settleBelow(queue: Queue, target: number): Job<boolean> {
  const piece = new Piece();
  const { log } = queue;
  let isWhole = true;
  for (const cursor of queue.groups.values()) {
    const { pending } = cursor;
    let offset = pending.next(log.firstOffset);
    for (; offset >= 0 && offset < target; offset = pending.next(offset + 1)) {
      // One that was deleted before stays pending, as in redis.
      const isGone = log.removed.has(offset);
      if (!isGone) cursor.settle(offset);
      const due = piece.add(isGone ? unitsOfGone : unitsOfEntry);
      if (due === 0) continue;
      isWhole = false;
      yield due;
    }
  }
  return isWhole;
}

/** Passes over what some group has not acknowledged. */
function* removeAcked(queue: Queue, { target, most }: ReferencedTrim, changed: () => void): Job<number> {
  const piece = new Piece();
  const { log } = queue;
  const reader = new LogReader(log, log.firstOffset);
  let removed = 0;
  let told = 0;
  while (removed < most && !queue.isDeleted && reader.next() && reader.offset < target) {
    const { offset, id } = reader;
    // What is behind an entry that some group has not got, it has not got either.
    if (isAheadOf(queue, id)) break;
    if (!isReferenced(queue, id)) {
      queue.removeAt(offset);
      removed++;
    }
    const due = piece.add(unitsOfReferences(queue));
    if (due === 0) continue;
    if (removed > told) changed();
    told = removed;
    yield due;
    if (queue.isDeleted) break;
    seal(queue);
    reader.seek(Math.max(offset + 1, log.firstOffset));
  }
  if (removed > told) changed();
  return removed;
}

function isAheadOf({ groups }: Queue, id: EntryId): boolean {
  for (const { lastId } of groups.values()) if (id.compare(lastId) > 0) return true;
  return false;
}
