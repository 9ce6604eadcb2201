/**
 * The entries of a Redis group that were given up and come again: they wait for their time, then the group's readers get them before
 * new ones.
 *
 * While it waits an entry is pending: the consumer `troika.retry` holds it, and the time since when is the one at which it is due. So what
 * waits is durable as all pending entries are, can be seen (XPENDING) and claimed; nothing of it is in memory but 20 bytes in the
 * timers. Not here: who gives up (give-up.ts), giving entries out (group-cursor.ts).
 * Invariants: an entry is delivered again only while `troika.retry` holds it, and not before its time; what is ready is pending, and
 * each entry is ready once at most.
 */
import type { Job } from "../../base/turn-work.ts";
import type { EntryId } from "../../message/entry-id.ts";
import { LogReader } from "../../storage/index.ts";
import { noOwner, PendingTable } from "../cursor/pending-table.ts";
import type { TimedOwner, WallTimers } from "../schedule/timers.ts";
import type { AgainPart } from "./again-part.ts";
import type { GroupCursor } from "./group-cursor.ts";
import { retryOwnerName } from "./retry-owner.ts";

/** What one dead letter costs, in units of work. */
export const unitsOfDeadLetter = 4;
/** So many entries that are not to be delivered any more are passed over by one look at those that are. */
export const passedMax = 64;

/** Whether an entry becomes a dead letter rather than be delivered once more (give-up.ts). */
type DiesInstead = (cursor: GroupCursor, offset: number) => boolean;

/** Any owner but none. */
const isReady = 1;

export class GroupRetries implements TimedOwner, AgainPart {
  readonly #cursor: GroupCursor;
  readonly #timers: WallTimers;
  readonly #number: number;
  /** Entries whose time has come; some may be gone from the stream. */
  readonly #ready = new PendingTable();
  readonly #diesInstead: DiesInstead;
  #isClosed = false;
  /** None that is ready is below. */
  #readyFrom = 0;
  /** At the entry that `peek` stopped at. */
  readonly reader: LogReader;

  constructor(cursor: GroupCursor, timers: WallTimers, diesInstead: DiesInstead) {
    this.#cursor = cursor;
    this.#diesInstead = diesInstead;
    this.#timers = timers;
    this.#number = timers.addOwner(this);
    this.reader = new LogReader(cursor.log);
  }

  get readyCount(): number {
    return this.#ready.size;
  }

  /** The group is gone. */
  close(): void {
    this.#isClosed = true;
    this.#timers.removeOwner(this.#number);
  }

  /** The pending entry comes again at that wall time; where that is not after `now`, it is there at once. */
  wait(offset: number, { at, now }: { at: number; now: number }, count: number, id: EntryId): void {
    const cursor = this.#cursor;
    const owner = cursor.owners.get(retryOwnerName) ?? cursor.addOwner(retryOwnerName, at);
    cursor.assign(offset, owner.id, count, at, id);
    if (at > now) this.#timers.add(at, this.#number, offset);
    else this.due(offset, at);
  }

  /** What waited already when the group came to be (start-up, COPY), in slices. */
  *restore(): Job<void> {
    const cursor = this.#cursor;
    const { pending } = cursor;
    let looked = 0;
    for (let offset = pending.next(0); offset >= 0 && !this.#isClosed; offset = pending.next(offset + 1)) {
      const owner = cursor.owners.get(retryOwnerName);
      if (owner !== undefined && pending.ownerOf(offset) === owner.id)
        this.#timers.add(pending.timeOf(offset), this.#number, offset);
      if (++looked % 64 === 0) yield 32;
    }
  }

  isWanted(offset: number, at: number): boolean {
    // It may have been given up again since, for a later time.
    return this.#isWaiting(offset) && this.#cursor.pending.timeOf(offset) <= at;
  }

  due(offset: number, at: number): number {
    const { log } = this.#cursor;
    if (!this.isWanted(offset, at)) return 0;
    this.#ready.set(offset, isReady, 0, 0);
    this.#readyFrom = Math.min(this.#readyFrom, offset);
    if (this.#isOver(offset)) return unitsOfDeadLetter;
    log.owner?.appended();
    return 1;
  }

  /** An entry that cannot be read is its reader's error, not that of the timers. */
  #isOver(offset: number): boolean {
    try {
      return this.#diesInstead(this.#cursor, offset);
    } catch {
      return false;
    }
  }

  #isWaiting(offset: number): boolean {
    const owner = this.#cursor.owners.get(retryOwnerName);
    return owner !== undefined && this.#cursor.pending.ownerOf(offset) === owner.id;
  }

  /** Stops `reader` at the entry that comes again next, without giving it; false when there is none. */
  peek(): boolean {
    for (let passed = 0; this.#ready.size > 0;) {
      const offset = this.#ready.next(this.#readyFrom);
      this.#readyFrom = offset;
      this.reader.seek(offset);
      if (this.reader.next() && this.reader.offset === offset) {
        // Its policy may have changed since it was due.
        if (!this.#diesInstead(this.#cursor, offset)) return true;
      } else this.#cursor.settle(offset);
      if (++passed < passedMax) continue;
      // Those who wait look again in the next turn.
      this.#cursor.log.owner?.appended();
      return false;
    }
    return false;
  }

  /** The pending entry is to be settled, or gets another holder or time. */
  changes(offset: number): void {
    if (!this.#isWaiting(offset)) return;
    if (this.#ready.clear(offset) === noOwner) this.#timers.becameStale(this.#number);
  }
}
