/**
 * A Redis list whose items, numbers in the order of their pushes, go to clients that wait for them.
 *
 * Not here: commands (actors/job-list.ts). Invariants: an item is given once; of those that were pushed none is lost but with an
 * answer that was lost; a client that was seen waiting before another one asked gets an earlier item.
 */
import { type Crash, Fault, type Promises } from "../model.ts";

/** A request that waits for items. */
export interface Call {
  readonly who: string;
  /** How many items its answer takes out of Redis: none for those that move to another list. */
  readonly takesMax: number;
  readonly sent: number;
  /** When it was known to wait. */
  blocked: number;
  items: readonly number[];
}

const endedMax = 40;

export class JobList {
  readonly name: string;
  isDamaged = false;
  readonly #promises: Promises;
  readonly #sent = new Set<number>();
  /** When its push was told. */
  readonly #told = new Map<number, number>();
  /** When it was given to somebody. */
  readonly #given = new Map<number, number>();
  /** What a power failure may have undone. */
  readonly #unsure = new Set<number>();
  #ended: Call[] = [];
  /** Items that may have left with answers that were lost. */
  #lostMax = 0;

  readonly #isOrdered: boolean;

  /** `isOrdered`: nobody's turn is spent; else who asks while others are still to be served may come before them. */
  constructor(name: string, promises: Promises, isOrdered: boolean) {
    this.name = name;
    this.#isOrdered = isOrdered;
    this.#promises = promises;
  }

  pushing(items: readonly number[]): void {
    for (const item of items) this.#sent.add(item);
  }

  pushed(items: readonly number[]): void {
    for (const item of items) this.#told.set(item, this.#promises.number());
  }

  /** Its answer came, with items or without. */
  answered(call: Call, items: readonly number[]): void {
    call.items = items;
    for (const item of items) {
      if (!this.#sent.has(item))
        throw new Fault(`${this.name}: ${call.who} got ${item}, which nobody pushed`);
      if (this.#given.has(item) && !this.#unsure.has(item) && !this.isDamaged)
        throw new Fault(`${this.name}: ${call.who} got ${item}, which was given before`);
      this.#given.set(item, this.#promises.number());
    }
    if (items.length === 0 || !this.#isOrdered) return;
    for (const other of this.#ended) {
      this.#assertOrder(other, call);
      this.#assertOrder(call, other);
    }
    this.#ended.push(call);
    if (this.#ended.length > endedMax) this.#ended.shift();
  }

  #assertOrder(first: Call, second: Call): void {
    if (first.blocked < second.sent && first.items[0]! > second.items[0]! && !this.isDamaged)
      throw new Fault(
        `${this.name}: ${first.who} waited before ${second.who} asked, and got ${first.items[0]} where that got ${second.items[0]}`,
      );
  }

  unanswered(call: Call): void {
    this.#lostMax += call.takesMax;
  }

  crashed(crash: Crash): void {
    this.#ended = [];
    if (crash === "kill") return;
    for (const [item, number] of this.#given)
      if (!this.#promises.survives(number, "written", crash)) this.#unsure.add(item);
    for (const [item, number] of this.#told)
      if (!this.#promises.survives(number, "written", crash)) this.#unsure.add(item);
  }

  /** What is in the list, and in the one that items are moved to. */
  check(waiting: readonly number[], moved: readonly number[]): void {
    if (this.isDamaged) return;
    const there = new Set(waiting);
    for (const item of [...waiting, ...moved])
      if (!this.#sent.has(item)) throw new Fault(`${this.name} has ${item}`);
    for (const item of moved) {
      if (there.has(item)) throw new Fault(`${this.name} has ${item} twice`);
      there.add(item);
    }
    for (const item of waiting)
      if (this.#given.has(item) && !this.#unsure.has(item))
        throw new Fault(`${this.name} has ${item}, which was given away`);
    const sorted = waiting.toSorted((a, b) => a - b);
    if (sorted.join() !== waiting.join())
      throw new Fault(`${this.name} has lost its order: ${waiting.join()}`);
    const missing = [...this.#told.keys()].filter(
      (item) => !there.has(item) && !this.#given.has(item) && !this.#unsure.has(item),
    );
    if (missing.length > this.#lostMax)
      throw new Fault(
        `${this.name} lost ${missing.join()}, where answers with ${this.#lostMax} items at most were lost`,
      );
  }
}
