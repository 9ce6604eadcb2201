/**
 * A Redis consumer group of which one client does all: who holds which entry and how often it was given out, entry by entry.
 *
 * After a lost connection the client asks for all that is pending before it goes on; what it hears must be one of the things
 * that can have happened, and from there on is the truth. Not here: the stream's entries (HistoryModel).
 */
import { type Crash, Fault, type HistoryModel, type Promises } from "../model.ts";
import { Uncertain } from "./uncertain.ts";

type Entry =
  | { readonly fate: "new" | "settled" }
  | { readonly fate: "held"; readonly consumer: string; readonly count: number };

/** What a claim makes of the delivery count. */
export type Counting = "same" | "more" | number;

const fresh: Entry = { fate: "new" };
const settled: Entry = { fate: "settled" };

export class GroupModel {
  readonly name: string;
  readonly #promises: Promises;
  readonly #stream: HistoryModel;
  readonly #entries = new Map<string, Uncertain<Entry>>();
  /** By entry id, where a read showed it. */
  readonly #bodies = new Map<string, string>();
  /** Up to where the group was surely given entries, each with when that was told. */
  #positions: { number: number; id: string }[] = [{ number: 0, id: "0-0" }];
  /** Reads without an answer: so many entries may have gone to these consumers. */
  #lost = { entries: 0, consumers: new Set<string>() };
  /** Bytes of files were damaged: nothing that is missing is held against the broker. */
  isDamaged = false;

  constructor(name: string, stream: HistoryModel, promises: Promises) {
    this.name = name;
    this.#stream = stream;
    this.#promises = promises;
  }

  #fault(text: string): void {
    if (!this.isDamaged) throw new Fault(`${this.name}: ${text}`);
  }

  #entry(id: string): Uncertain<Entry> {
    let entry = this.#entries.get(id);
    if (entry === undefined) this.#entries.set(id, (entry = new Uncertain(fresh, this.#promises)));
    return entry;
  }

  /** Takes each possible state to what it becomes, none where the answer cannot be; that none is left is a fault. */
  #narrow(id: string, become: (entry: Entry) => Entry | null, otherwise: Entry, what: string): void {
    const entry = this.#entry(id);
    const next = entry.possible.map((each) => become(each)).filter((each) => each !== null);
    if (next.length === 0) this.#fault(`${id} ${what}, but it is ${describe(entry.possible)}`);
    entry.settle(next.length > 0 ? next : [otherwise]);
  }

  /** Ids that somebody may hold, in order. */
  get held(): string[] {
    return [...this.#entries]
      .filter(([, { possible }]) => possible.some(({ fate }) => fate === "held"))
      .map(([id]) => id)
      .toSorted(compareIds);
  }

  // What was answered

  /** XGROUP CREATE made it: so nothing of it was there, or it is gone. */
  created(): void {
    for (const id of this.#entries.keys())
      this.#narrow(
        id,
        (entry) => (entry.fate === "new" ? entry : null),
        fresh,
        "is of a group that was gone",
      );
    this.#positions = [{ number: 0, id: "0-0" }];
  }

  read(consumer: string, id: string, body: string | undefined): void {
    const given: Entry = { fate: "held", consumer, count: 1 };
    this.#narrow(id, (entry) => (entry.fate === "new" ? given : null), given, `came to ${consumer} as new`);
    const position = this.#positions.at(-1)!.id;
    if (compareIds(id, position) <= 0) this.#fault(`${id} came to ${consumer} as new after ${position}`);
    this.#passed(id);
    if (body !== undefined) this.#bodies.set(id, body);
  }

  /**
   * XREADGROUP, sent at `askedAt` for at most `count`, gave these: all that it passed by must have been given before. Where
   * reads fail at times, an answer may end before what could not be read; one without entries would have been an error.
   */
  readAll(
    { askedAt, count, readsFail }: { askedAt: number; count: number; readsFail: boolean },
    ids: readonly string[],
  ): void {
    // Nobody knows what went to those who got no answer, until XPENDING tells.
    if (this.isDamaged || this.#lost.entries > 0) return;
    const last = ids.at(-1);
    const end = last !== undefined && (readsFail || ids.length >= count) ? last : undefined;
    for (const id of this.#stream.idsToldBefore(askedAt)) {
      const isPassed = end === undefined || compareIds(id, end) < 0;
      if (isPassed && this.#isSurelyNew(id)) this.#fault(`a read of new entries left out ${id}`);
    }
  }

  #isSurelyNew(id: string): boolean {
    return this.#entries.get(id)?.possible.every(({ fate }) => fate === "new") ?? true;
  }

  #passed(id: string): void {
    this.#positions.push({ number: this.#promises.number(), id });
  }

  /** All that a consumer holds was shown to it again; what is deleted from the stream without its fields. */
  shown(consumer: string, entries: readonly (readonly [id: string, isThere: boolean])[]): void {
    for (const [id, isThere] of entries) {
      const again: Entry = { fate: "held", consumer, count: 1 };
      const become = (entry: Entry): Entry | null => {
        if (entry.fate !== "held" || entry.consumer !== consumer) return null;
        return isThere ? { ...entry, count: entry.count + 1 } : entry;
      };
      this.#narrow(id, become, again, `was shown to ${consumer}`);
      if (!isThere) this.#mustBeDeleted(id);
    }
    const there = new Set(entries.map(([id]) => id));
    const isOthers = (entry: Entry): boolean => entry.fate !== "held" || entry.consumer !== consumer;
    for (const id of this.#entries.keys())
      if (!there.has(id))
        this.#narrow(
          id,
          (entry) => (isOthers(entry) ? entry : null),
          settled,
          `was not shown to ${consumer}`,
        );
  }

  acked(id: string, wasHeld: boolean): void {
    const become = (entry: Entry): Entry | null => {
      if ((entry.fate === "held") !== wasHeld) return null;
      return wasHeld ? settled : entry;
    };
    this.#narrow(id, become, settled, wasHeld ? "was acknowledged" : "was held by nobody when acknowledged");
  }

  /** Of all that was asked for, what came belongs to the consumer, and the rest is pending no more. */
  claimed(consumer: string, asked: readonly string[], came: readonly string[], counting: Counting): void {
    for (const id of asked) {
      if (came.includes(id)) this.#taken(id, consumer, counting);
      else this.#notTaken(id);
    }
    for (const id of came) if (!asked.includes(id)) this.#fault(`${id} was claimed and not asked for`);
  }

  #taken(id: string, consumer: string, counting: Counting): void {
    const otherwise: Entry = { fate: "held", consumer, count: 1 };
    this.#narrow(
      id,
      (entry) => claimedAs(entry, consumer, counting),
      otherwise,
      `was claimed by ${consumer}`,
    );
  }

  #notTaken(id: string): void {
    const wasHeld = this.#entry(id).possible.every(({ fate }) => fate === "held");
    if (wasHeld) this.#mustBeDeleted(id);
    this.#narrow(id, (entry) => (entry.fate === "held" ? settled : entry), settled, "was not claimed");
  }

  #mustBeDeleted(id: string): void {
    const body = this.#bodies.get(id);
    if (body !== undefined && this.#stream.isRequired(body))
      this.#fault(`${id} is treated as deleted, but ${body} was acknowledged and stays`);
  }

  /** XAUTOCLAIM from `start` on, which says where to go on: what is pending before that, in order, none left out. */
  autoclaimed(
    consumer: string,
    asked: { readonly start: string; readonly next: string; readonly counting: Counting },
    came: readonly string[],
    deleted: readonly string[],
  ): void {
    const { start, next, counting } = asked;
    const all = new Set([...came, ...deleted]);
    const surelyHeld = this.held.filter(
      (id) =>
        compareIds(id, start) >= 0 &&
        (next === "0-0" || compareIds(id, next) < 0) &&
        this.#entry(id).possible.every(({ fate }) => fate === "held"),
    );
    for (const id of surelyHeld) if (!all.has(id)) this.#fault(`XAUTOCLAIM from ${start} left out ${id}`);
    for (const id of came) this.#taken(id, consumer, counting);
    for (const id of deleted) {
      this.#mustBeDeleted(id);
      this.#narrow(id, (entry) => (entry.fate === "held" ? settled : null), settled, "was found deleted");
    }
  }

  /** XPENDING's detail: all that is held, by whom, and how often it was given out. */
  check(pending: readonly (readonly [id: string, consumer: string, count: number])[]): void {
    let unknown = 0;
    for (const [id, consumer, count] of pending) {
      const found: Entry = { fate: "held", consumer, count };
      const isKnown = this.#entry(id).possible.some(({ fate }) => fate === "held");
      if (!isKnown && this.#lost.consumers.has(consumer) && unknown < this.#lost.entries) {
        // Of a read whose answer was lost.
        unknown++;
        const become = (entry: Entry): Entry | null => (entry.fate === "new" ? found : null);
        this.#narrow(id, become, found, `is pending for ${consumer}`);
      } else {
        const become = (entry: Entry): Entry | null =>
          entry.fate === "held" && entry.consumer === consumer && entry.count === count ? entry : null;
        this.#narrow(id, become, found, `is pending for ${consumer}, given out ${count} times`);
      }
    }
    const there = new Set(pending.map(([id]) => id));
    for (const id of this.#entries.keys())
      if (!there.has(id))
        this.#narrow(id, (entry) => (entry.fate === "held" ? null : entry), settled, "is not pending");
    this.#lost = { entries: 0, consumers: new Set() };
    const highest = pending.at(-1)?.[0];
    if (highest !== undefined && compareIds(highest, this.#positions.at(-1)!.id) > 0) this.#passed(highest);
  }

  // What was asked and not answered

  mayHaveRead(consumer: string, count: number): void {
    this.#lost.entries += count;
    this.#lost.consumers.add(consumer);
    // After a power failure it may have got again what it had got before.
    for (const entry of this.#entries.values())
      if (entry.possible.some(({ fate }) => fate === "new"))
        entry.maybe([{ fate: "held", consumer, count: 1 }]);
  }

  mayHaveShown(consumer: string): void {
    for (const entry of this.#entries.values())
      entry.maybe(entry.possible.flatMap((each) => shownAgain(each, consumer)));
  }

  mayHaveAcked(id: string): void {
    const entry = this.#entry(id);
    if (entry.possible.some(({ fate }) => fate === "held")) entry.maybe([settled]);
  }

  mayHaveClaimed(consumer: string, ids: readonly string[], counting: Counting): void {
    this.#lost.consumers.add(consumer);
    for (const id of ids) {
      const entry = this.#entry(id);
      const claimed = entry.possible.flatMap((each) => claimedAs(each, consumer, counting) ?? []);
      if (claimed.length > 0) entry.maybe([...claimed, settled]);
    }
  }

  crashed(crash: Crash): void {
    if (crash === "kill") return;
    for (const entry of this.#entries.values()) entry.crashed(crash);
    this.#positions = this.#positions.filter(
      ({ number }) => number === 0 || this.#promises.survives(number, "written", crash),
    );
  }
}

function claimedAs(entry: Entry, consumer: string, counting: Counting): Entry | null {
  if (entry.fate !== "held") return null;
  if (counting === "same") return { ...entry, consumer };
  return { fate: "held", consumer, count: counting === "more" ? entry.count + 1 : counting };
}

function shownAgain(entry: Entry, consumer: string): Entry[] {
  return entry.fate === "held" && entry.consumer === consumer ? [{ ...entry, count: entry.count + 1 }] : [];
}

export function compareIds(a: string, b: string): number {
  const aDash = a.indexOf("-");
  const bDash = b.indexOf("-");
  return (
    compareNumbers(a.slice(0, aDash), b.slice(0, bDash)) ||
    compareNumbers(a.slice(aDash + 1), b.slice(bDash + 1))
  );
}

/** Of decimal numbers of any size, as they are printed. */
function compareNumbers(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function describe(entries: readonly Entry[]): string {
  return entries
    .map((entry) => (entry.fate === "held" ? `held by ${entry.consumer} (${entry.count})` : entry.fate))
    .join(" or ");
}
