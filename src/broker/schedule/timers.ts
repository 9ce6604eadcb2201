/**
 * Does things at wall times, to the millisecond of the runtime's timers, however many wait: one timer for the first of them.
 *
 * Owners are numbered; what is due is an item of an owner. Many that are due together are done in slices of turns. Not here: what is
 * done (the owners). Invariants: nothing is done before its time by the wall clock; a clock that is set forward is noticed within
 * `lookMs`.
 */
import type { Clock, Timer, Timers } from "../../base/clock.ts";
import type { Job, RunningJob, TurnWork } from "../../base/turn-work.ts";
import { TimerIndex } from "./timer-index.ts";

const lookMs = 10_000;
/** What is due and of no use any more. */
const unitsOfPass = 0.2;
const unitsOfPiece = 32;

/** Whose items are due. */
export interface TimedOwner {
  /** The item is due. Returns units of work; 0 where there was nothing to do. Does not throw. */
  due(item: number, at: number): number;
}

interface WallTimersOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  /** Something was done by a timer: a tick is to end. */
  readonly requestTick: () => void;
}

export class WallTimers {
  readonly #options: WallTimersOptions;
  readonly #index = new TimerIndex();
  readonly #owners: (TimedOwner | null)[] = [];
  readonly #freeOwners: number[] = [];
  /** How many entries of the index each owner has. */
  readonly #counts: number[] = [];
  #timer: Timer | null = null;
  #timerAt = Infinity;
  #run: RunningJob | null = null;
  #isClosed = false;
  #isHeld = false;

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
    return number;
  }

  /** What it has waiting is passed over. */
  removeOwner(number: number): void {
    this.#owners[number] = null;
    if (this.#counts[number] === 0) this.#freeOwners.push(number);
  }

  add(at: number, owner: number, item: number): void {
    this.#index.add(at, owner, item);
    this.#counts[owner]!++;
    this.#arm();
  }

  /** Nothing is done until `release`. */
  hold(): void {
    this.#isHeld = true;
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  release(): void {
    this.#isHeld = false;
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#run?.cancel();
  }

  #arm(): void {
    const next = this.#index.nextDue;
    if (this.#run !== null || this.#isClosed || this.#isHeld || next >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = next;
    const delayMs = Math.min(Math.max(Math.ceil(next - this.#options.clock.now()), 0), lookMs);
    this.#timer = this.#options.timers.after(delayMs, () => this.#fire());
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
    while (index.nextDue <= clock.now() && index.take()) {
      const { owner, item, due } = index;
      const left = --this.#counts[owner]!;
      const holder = this.#owners[owner]!;
      if (holder === null && left === 0) this.#freeOwners.push(owner);
      units += Math.max(holder?.due(item, due) ?? 0, unitsOfPass);
      if (units < unitsOfPiece) continue;
      requestTick();
      yield units;
      units = 0;
    }
  }
}
