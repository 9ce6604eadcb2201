/**
 * Does things at wall times, to the millisecond of the runtime's timers, however many wait: one timer for the first of them.
 *
 * Owners are numbered; what is due is an item of an owner. Many that are due together are done in slices of turns. Items that are of no
 * use any more are counted by their owners' word; once they are more than half of all, they are dropped, in slices too. Not here: what
 * is done (the owners). Invariants: nothing is done before its time by the wall clock; a clock that is set forward is noticed within
 * `lookMs`.
 */
import { sizes } from "../../base/sizes.ts";
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { Clock, Timer, Timers } from "../../base/clock.ts";
import type { Job, RunningJob, TurnWork } from "../../base/turn-work.ts";
import { SoonBudget } from "./soon-budget.ts";
import { fanOut, TimerIndex } from "./timer-index.ts";

const lookMs = 10_000;
/** What is due and of no use any more. */
const unitsOfPass = 0.2;
const unitsOfPiece = 32;
/** Fewer items than these are not worth the looking. */
const sweptMin = 1024;
/** Where so many wait, the owner of the first hears of it so long before. */
const aheadMin = 16_384;
const aheadMs = 2000;

/** Whose items are due. */
export interface TimedOwner {
  /** The item is due. Returns units of work; 0 where there was nothing to do. Does not throw. */
  due(item: number, at: number): number;
  /** The item that is due then is of use. Changes nothing, reads nothing from the disk. */
  isWanted(item: number, at: number): boolean;
  /** Very many wait, nothing is due, and an item of the owner is the next, within `aheadMs`. Does not throw. */
  soon?(at: number): void;
}

interface WallTimersOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  /** Something was done by a timer: a tick is to end. */
  readonly requestTick: () => void;
}

export class WallTimers {
  /** Of what is read before it is due. */
  readonly soonBudget = new SoonBudget(sizes.readSoonBytesMax);
  readonly #options: WallTimersOptions;
  readonly #index = new TimerIndex();
  readonly #owners: (TimedOwner | null)[] = [];
  readonly #freeOwners: number[] = [];
  /** How many entries of the index each owner has. */
  readonly #counts: number[] = [];
  /** How many of these are known to be of no use, and the sum of all. */
  readonly #staleCounts: number[] = [];
  #stale = 0;
  #timer: Timer | null = null;
  #timerAt = Infinity;
  #aheadTimer: Timer | null = null;
  #aheadAt = Infinity;
  /** What was due then is known to its owner, and what is due soon after it. */
  #toldOf = -Infinity;
  #run: RunningJob | null = null;
  #sweep: RunningJob | null = null;
  #isClosed = false;
  /** How many hold everything. */
  #holds = 0;

  constructor(options: WallTimersOptions) {
    this.#options = options;
  }

  /** Items that wait, those among them that are of no use any more. */
  get size(): number {
    return this.#index.size;
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  addOwner(owner: TimedOwner): number {
    const number = this.#freeOwners.pop() ?? this.#owners.length;
    this.#owners[number] = owner;
    this.#counts[number] ??= 0;
    this.#stale -= this.#staleCounts[number] ?? 0;
    this.#staleCounts[number] = 0;
    return number;
  }

  /** What it has waiting is passed over. */
  removeOwner(number: number): void {
    this.#owners[number] = null;
    const count = this.#counts[number]!;
    if (count === 0) this.#freeOwners.push(number);
    else this.#countStale(number, Math.max(count - this.#staleCounts[number]!, 0));
  }

  /** One of the owner's items is of no use any more. */
  becameStale(owner: number): void {
    if (this.#staleCounts[owner]! < this.#counts[owner]!) this.#countStale(owner, 1);
  }

  #countStale(owner: number, count: number): void {
    this.#staleCounts[owner]! += count;
    this.#stale += count;
    const { size } = this.#index;
    if (size < sweptMin || this.#stale * 2 <= size || this.#sweep !== null || this.#isClosed) return;
    let isOver = false;
    const run = this.#options.work.run(this.#sweeping(), () => {
      isOver = true;
      this.#sweep = null;
    });
    if (!isOver) this.#sweep = run;
  }

  /** An item has left the index, of use or not. */
  #left(owner: number, wasOfUse: boolean): void {
    const left = --this.#counts[owner]!;
    if (!wasOfUse && this.#staleCounts[owner]! > 0) {
      this.#staleCounts[owner]!--;
      this.#stale--;
    }
    if (left === 0 && this.#owners[owner] === null) this.#freeOwners.push(owner);
  }

  /** Looks at all items from the end, since what fills a hole comes from there. What others move meanwhile may be missed. */
  *#sweeping(): Job<void> {
    const index = this.#index;
    // What is counted from now on is for the next one.
    this.#staleCounts.fill(0);
    this.#stale = 0;
    let units = 0;
    for (let at = index.size - 1; at >= 0; at = Math.min(at, index.size) - 1) {
      for (; at < index.size; units += unitsOfPass) {
        index.look(at);
        const { owner, item, due } = index;
        if (this.#owners[owner]?.isWanted(item, due) === true) break;
        index.remove(at);
        this.#left(owner, false);
      }
      units += unitsOfPass;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
  }

  add(at: number, owner: number, item: number): void {
    this.#index.add(at, owner, item);
    this.#counts[owner]!++;
    this.#arm();
  }

  /**
   * Collects items of an owner that are due by then, about the first of them first, `most` at most. What changes in between may be left
   * out or come twice.
   */
  *collecting(owner: number, until: number, into: number[], most: number): Job<void> {
    const index = this.#index;
    const places = [0];
    let units = 0;
    for (let next = 0; next < places.length && into.length < most; next++) {
      const place = places[next]!;
      if (place >= index.size) continue;
      index.look(place);
      if (index.due > until) continue;
      if (index.owner === owner) into.push(index.item);
      for (let child = place * fanOut + 1; child <= place * fanOut + fanOut; child++) places.push(child);
      units += unitsOfPass;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
  }

  /** Nothing is done until all who hold have called `release`, each once. */
  hold(): void {
    this.#holds++;
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  release(): void {
    if (assertsAreOn) assertInvariant(this.#holds > 0, "who releases the timers has held them");
    this.#holds--;
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#aheadTimer?.cancel();
    this.#run?.cancel();
    this.#sweep?.cancel();
  }

  #arm(): void {
    const next = this.#index.nextDue;
    if (this.#run !== null || this.#isClosed || this.#holds > 0 || next >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = next;
    const delayMs = Math.min(Math.max(Math.ceil(next - this.#options.clock.now()), 0), lookMs);
    this.#timer = this.#options.timers.after(delayMs, () => this.#fire());
    this.#armAhead(next);
  }

  #armAhead(next: number): void {
    const at = next - aheadMs;
    if (this.#index.size < aheadMin || next <= this.#toldOf + aheadMs || at >= this.#aheadAt) return;
    this.#aheadTimer?.cancel();
    this.#aheadAt = at;
    const delayMs = Math.min(Math.max(Math.ceil(at - this.#options.clock.now()), 0), lookMs);
    this.#aheadTimer = this.#options.timers.after(delayMs, () => this.#tellOwner());
  }

  #tellOwner(): void {
    this.#aheadTimer = null;
    this.#aheadAt = Infinity;
    const index = this.#index;
    const { nextDue } = index;
    if (nextDue - aheadMs > this.#options.clock.now()) return this.#armAhead(nextDue);
    // There may be none any more, or it is being done.
    if (nextDue === Infinity || this.#run !== null) return;
    index.look(0);
    this.#toldOf = nextDue;
    this.#owners[index.owner]?.soon?.(nextDue);
  }

  #fire(): void {
    this.#timer = null;
    this.#timerAt = Infinity;
    const { work, requestTick } = this.#options;
    let isOver = false;
    const run = work.run(this.#doing(), () => {
      isOver = true;
      this.#run = null;
      requestTick();
      this.#arm();
    });
    if (!isOver) this.#run = run;
  }

  *#doing(): Job<void> {
    const index = this.#index;
    const { clock, requestTick } = this.#options;
    let units = 0;
    while (this.#holds === 0 && index.nextDue <= clock.now() && index.take()) {
      const { owner, item, due } = index;
      const used = this.#owners[owner]?.due(item, due) ?? 0;
      this.#left(owner, used > 0);
      units += Math.max(used, unitsOfPass);
      if (units < unitsOfPiece) continue;
      requestTick();
      yield units;
      units = 0;
    }
  }
}
