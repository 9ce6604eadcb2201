/**
 * XREADGROUP's CLAIM (redis 8.4): which pending entries have been idle long enough to be given to the reader, and when a reader that
 * waits has to look again.
 *
 * Nothing is looked at while even the oldest pending entry is too young (broker/groups/oldest-pending.ts). Of a group with many pending
 * entries each call looks at some, the next call at the others: so the longest idle come first among those only.
 * Not here: news and history (read.ts). Invariant: what is taken over has been written into the reply before.
 */
import { traceGiven } from "./traced.ts";
import type { Timer } from "../../../../base/clock.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import { noOwner } from "../../../../broker/cursor/pending-table.ts";
import { diesInstead, isExhausted } from "../../../../broker/groups/give-up.ts";
import { passedMax, unitsOfDeadLetter } from "../../../../broker/groups/retries.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { OldestPending, unitsOfPendingLook } from "../../../../broker/groups/oldest-pending.ts";
import type { CursorOwner } from "../../../../broker/groups/group-owners.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import { LogReader } from "../../../../storage/logs.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { unitsOfBytes } from "../../core/sliced-reply.ts";
import type { RequestArguments } from "../../wire/request-arguments.ts";
import { findEntry, workBytes, writeDelivered } from "../stream.ts";
import { claim } from "./claims.ts";

const unitsOfGiven = 1.5;
const scratchId = new EntryId();
/** Pending entries that one call looks at: about a tenth of a millisecond. */
const looksMax = 4096;
/** A reader that waits looks no more often, */
const waitMsMin = 20;
/** less often where so many are pending, since each time may cost a look at all, */
const waitMsOfEach = 0.00025;
/** and no less often than this. */
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
  const { pending } = cursor;
  const oldest = (cursor.oldest ??= new OldestPending());
  if (now - oldest.time < minIdleMs) return [];
  let found = lookForIdle(cursor, oldest, now - minIdleMs);
  broker.work.spend(Math.ceil(Math.min(pending.size, looksMax) * unitsOfPendingLook));
  if (found.length === 0 && pending.size > looksMax) oldest.look(pending, broker.work);
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

/** Those among the entries of one look that are pending since `since` or longer. */
function lookForIdle({ pending }: GroupCursor, oldest: OldestPending, since: number): number[] {
  const found: number[] = [];
  const isWhole = pending.size <= looksMax;
  let first = Infinity;
  let offset = pending.next(isWhole ? 0 : oldest.from);
  for (let left = Math.min(pending.size, looksMax); left > 0; left--) {
    if (offset < 0) offset = pending.next(0);
    const time = pending.timeOf(offset);
    if (time <= since) found.push(offset);
    if (time < first) first = time;
    offset = pending.next(offset + 1);
  }
  if (isWhole) oldest.seen(first);
  else oldest.from = Math.max(offset, 0);
  return found;
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
        traceGiven(context, cursor, offset, owner.name);
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

/** A reader that waits: tries again when something that is pending may have been idle long enough. One timer at a time. */
export class IdleWatch {
  readonly #context: CommandContext;
  readonly #keys: readonly string[];
  readonly #minIdleMs: number;
  readonly #cursorOf: (key: string) => GroupCursor | undefined;
  readonly #again: (key: string) => void;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(context: CommandContext, { keys, minIdleMs, cursorOf, again }: IdleWatchOptions) {
    this.#context = context;
    this.#keys = keys;
    this.#minIdleMs = minIdleMs;
    this.#cursorOf = cursorOf;
    this.#again = again;
    this.#set();
  }

  #set(): void {
    let waitMs = waitMsMax;
    for (const key of this.#keys) waitMs = Math.min(waitMs, this.#waitMs(key));
    this.#timer = this.#context.broker.timers.after(waitMs, () => this.#look());
  }

  #look(): void {
    for (const key of this.#keys) {
      const cursor = this.#cursorOf(key);
      if (cursor === undefined || cursor.oldest?.isLooking === true || this.#leftMs(cursor) > 0) continue;
      this.#again(key);
      if (this.#isOver) return;
    }
    this.#set();
  }

  /** The reader waits no more. */
  cancel(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  /** Until the oldest entry has been idle long enough. */
  #leftMs({ oldest }: GroupCursor): number {
    return (oldest?.time ?? -Infinity) + this.#minIdleMs - this.#context.broker.clock.now();
  }

  /** What becomes pending from now on is idle for less. */
  #waitMs(key: string): number {
    const cursor = this.#cursorOf(key);
    const leftMs = cursor === undefined ? Infinity : this.#leftMs(cursor);
    const waitMs = Math.min(leftMs, this.#minIdleMs);
    return Math.max(waitMs, waitMsMin, (cursor?.pending.size ?? 0) * waitMsOfEach);
  }
}

interface IdleWatchOptions {
  readonly keys: readonly string[];
  readonly minIdleMs: number;
  /** Undefined where there is no stream, or no group, any more. */
  readonly cursorOf: (key: string) => GroupCursor | undefined;
  /** Tries again for one of the keys; calls `cancel` where the reader is answered. */
  readonly again: (key: string) => void;
}
