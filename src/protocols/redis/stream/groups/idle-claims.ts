/**
 * XREADGROUP's CLAIM (redis 8.4): which pending entries have been idle long enough to be given to the reader, and when a reader that
 * waits has to look again.
 *
 * Of a group with many pending entries each call looks at some, the next call at the others: so the longest idle come first among
 * those only. Not here: news and history (read.ts). Invariant: what is taken over has been written into the reply before.
 */
import type { Timer } from "../../../../base/clock.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import { noOwner } from "../../../../broker/cursor/pending-table.ts";
import { diesInstead, isExhausted } from "../../../../broker/groups/give-up.ts";
import { passedMax, unitsOfDeadLetter } from "../../../../broker/groups/retries.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import type { CursorOwner } from "../../../../broker/groups/group-owners.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import { LogReader } from "../../../../storage/logs.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { unitsOfBytes } from "../../core/sliced-reply.ts";
import type { RequestArguments } from "../../wire/request-arguments.ts";
import { lookUp } from "../find.ts";
import { findEntry, workBytes, writeDelivered } from "../stream.ts";
import { claim } from "./claims.ts";

const unitsOfGiven = 1.5;
const scratchId = new EntryId();
/** Pending entries that one call looks at: about a tenth of a millisecond. */
const looksMax = 4096;
/** A reader that waits looks no more often, */
const waitMsMin = 20;
/** and no less often. */
const waitMsMax = 60_000;

/** How long an entry has to be idle, ms, from argument `index`. */
export function idleArgument(request: RequestArguments, index: number): number {
  const idleMs = request.integer(index);
  if (Number.isNaN(idleMs)) throw new RedisError("ERR min-idle-time is not an integer or out of range");
  if (idleMs < 0) throw new RedisError("ERR min-idle-time must be a positive integer");
  return idleMs;
}

/**
 * Offsets of entries that are idle for so long, the longest idle first, at most `most` (0: no bound). Those that were delivered as
 * often as they may be become dead letters, some of them at each look.
 */
export function idleEntries(
  { broker }: CommandContext,
  cursor: GroupCursor,
  minIdleMs: number,
  most: number,
): number[] {
  const now = broker.clock.now();
  let found: number[] = [];
  const { pending } = cursor;
  eachLooked(cursor, (offset) => {
    if (now - pending.timeOf(offset) >= minIdleMs) found.push(offset);
  });
  let dead = 0;
  found = found.filter((offset) => {
    if (!isExhausted(cursor, offset)) return true;
    if (dead === passedMax) return false;
    const isDead = diesInstead(cursor, offset);
    if (isDead) dead++;
    // Else it is gone from the stream.
    return !isDead;
  });
  if (dead > 0) broker.work.spend(dead * unitsOfDeadLetter);
  found.sort((a, b) => pending.timeOf(a) - pending.timeOf(b) || a - b);
  if (most > 0 && found.length > most) found.length = most;
  return found;
}

function eachLooked(cursor: GroupCursor, visit: (offset: number) => void): void {
  const { pending } = cursor;
  const from = pending.size <= looksMax ? 0 : cursor.claimsFrom;
  let offset = pending.next(from);
  for (let left = Math.min(pending.size, looksMax); left > 0; left--) {
    if (offset < 0) offset = pending.next(0);
    visit(offset);
    offset = pending.next(offset + 1);
  }
  cursor.claimsFrom = Math.max(offset, 0);
}

/** A reader that takes entries over. */
export interface Claiming {
  readonly cursor: GroupCursor;
  readonly owner: CursorOwner;
  /** Offsets of idle entries that it takes over before the news; null without CLAIM. */
  readonly claims: readonly number[] | null;
}

/**
 * Takes over and shows entries, those that are idle yet. What is gone from the stream leaves the pending entries. One that cannot be read
 * is the error where the reply has nothing else that was given (`given`), else the others are for the next call.
 */
export function* claimSliced(
  context: CommandContext,
  out: PartedReply,
  part: Claiming,
  given: number,
): Job<number> {
  const { cursor, owner, claims } = part;
  if (claims === null) return 0;
  const { pending } = cursor;
  const piece = new Piece();
  const reader = new LogReader(cursor.log);
  const foundAt = context.broker.clock.now();
  let count = 0;
  for (const offset of claims) {
    const now = context.broker.clock.now();
    // It may have been acknowledged since, or given to another consumer.
    if (pending.ownerOf(offset) === noOwner || pending.timeOf(offset) > foundAt) continue;
    const before = workBytes(out.bytes);
    const entryAt = out.out.length;
    try {
      if (diesInstead(cursor, offset)) continue;
      if (findEntry(reader, pending.readId(offset, scratchId))) {
        const times = pending.countOf(offset);
        writeDelivered(context.reply, reader, now - pending.timeOf(offset), times);
        claim(cursor, offset, owner, { count: times + 1, time: now, now });
        count++;
      } else cursor.settle(offset);
    } catch (error) {
      if (given + count === 0) throw error;
      out.out.length = entryAt;
      break;
    }
    const due = piece.add(unitsOfGiven + unitsOfBytes(workBytes(out.bytes) - before));
    if (due === 0) continue;
    yield due;
    if (cursor.ownerById(owner.id) !== owner) break;
  }
  return count;
}

/** A reader that waits: looks again when something that is pending may have been idle long enough. One timer at a time. */
export class IdleWatch {
  readonly #minIdleMs: number;
  readonly #keys: readonly string[];
  readonly #group: string;
  #timer: Timer | null = null;

  constructor(keys: readonly string[], group: string, minIdleMs: number) {
    this.#keys = keys;
    this.#group = group;
    this.#minIdleMs = minIdleMs;
  }

  set(context: CommandContext): void {
    if (this.#timer !== null) return;
    const { broker, server, database } = context;
    this.#timer = broker.timers.after(this.#waitMs(context), () => {
      this.#timer = null;
      for (const key of this.#keys) server.blocking.changed("stream", database, key);
      server.blocking.serve();
    });
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** What becomes pending from now on is idle for less. */
  #waitMs(context: CommandContext): number {
    const now = context.broker.clock.now();
    let waitMs = Math.min(Math.max(this.#minIdleMs, waitMsMin), waitMsMax);
    for (const key of this.#keys) {
      const cursor = lookUp(context, key)?.groups.get(this.#group);
      if (cursor === undefined) continue;
      eachLooked(cursor, (offset) => {
        const leftMs = cursor.pending.timeOf(offset) + this.#minIdleMs - now;
        waitMs = Math.min(waitMs, Math.max(leftMs, waitMsMin));
      });
    }
    return waitMs;
  }
}
