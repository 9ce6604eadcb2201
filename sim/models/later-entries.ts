/** Entries that are to enter a stream later: once, at their time or after it, unless they are cancelled. Knows nothing of the broker. */
import { type Crash, Fault, type Level, type Promises } from "../model.ts";

interface Told {
  readonly number: number;
  readonly level: Level;
}

export interface Later {
  readonly body: string;
  readonly due: number;
  /** It must not enter before; 0: not known, since somebody has set the clock. */
  earliest: number;
  told: Told | null;
  handle: string;
  isCancelAsked: boolean;
  cancelled: Told | null;
  /** It was seen in the stream, or told to have entered it. */
  entered: Told | null;
}

export class LaterEntries {
  readonly #name: string;
  readonly #promises: Promises;
  readonly #all = new Map<string, Later>();
  isDamaged = false;

  constructor(name: string, promises: Promises) {
    this.#name = name;
    this.#promises = promises;
  }

  sent(body: string, due: number): Later {
    const later: Later = {
      body,
      due,
      earliest: due,
      told: null,
      handle: "",
      isCancelAsked: false,
      cancelled: null,
      entered: null,
    };
    this.#all.set(body, later);
    return later;
  }

  /** It must not be there, now or later. */
  refused({ body }: Later): void {
    this.#all.delete(body);
  }

  told(later: Later, handle: string, level: Level): void {
    later.handle = handle;
    later.told = { number: this.#promises.number(), level };
  }

  find(body: string): Later | undefined {
    return this.#all.get(body);
  }

  /** Those that may be waiting. */
  get waiting(): Later[] {
    return [...this.#all.values()].filter(
      ({ told, isCancelAsked, entered }) => told !== null && !isCancelAsked && entered === null,
    );
  }

  /** The latest time at which one of them is due. */
  get lastDue(): number {
    return Math.max(0, ...[...this.#all.values()].map(({ due }) => due));
  }

  cancelled(later: Later, isCancelled: boolean): void {
    const told = { number: this.#promises.number(), level: "written" as const };
    if (isCancelled && later.entered !== null && !this.isDamaged)
      throw new Fault(`${this.#name}: ${later.body} was cancelled, and had entered the stream`);
    if (isCancelled) later.cancelled = told;
    // Where it is told to be stored still, it was not waiting since it had entered.
    else if (later.told !== null) later.entered ??= told;
  }

  /** All entries of the stream, as they were asked for at `asked` (a number of `Promises`) and answered at `now`. */
  found(bodies: readonly string[], asked: number, now: number): void {
    if (this.isDamaged) return;
    const present = new Set<string>();
    for (const body of bodies) {
      const later = this.#all.get(body);
      if (later === undefined) throw new Fault(`${this.#name}: "${body}" is there, which nobody sent`);
      if (present.has(body)) throw new Fault(`${this.#name}: ${body} entered twice`);
      present.add(body);
      // Its id may be older: a tick, however long, has one time.
      if (now < later.earliest)
        throw new Fault(`${this.#name}: ${body} is there at ${now}, and is due at ${later.due}`);
      if (later.cancelled !== null && later.cancelled.number < asked)
        throw new Fault(`${this.#name}: ${body} entered, though it had been cancelled`);
      later.entered ??= { number: asked, level: "written" };
    }
    for (const { body, entered } of this.#all.values())
      if (entered !== null && entered.number < asked && !present.has(body))
        throw new Fault(`${this.#name}: ${body} had entered the stream, and is gone`);
  }

  /** Those that wait, as they were asked for. */
  foundWaiting(bodies: readonly string[], asked: number): void {
    if (this.isDamaged) return;
    for (const body of bodies) {
      const later = this.#all.get(body);
      if (later === undefined) throw new Fault(`${this.#name}: "${body}" waits, which nobody sent`);
      for (const [what, told] of [
        ["cancelled", later.cancelled],
        ["entered", later.entered],
      ] as const)
        if (told !== null && told.number < asked)
          throw new Fault(`${this.#name}: ${body} waits, though it had been ${what}`);
    }
    const waiting = new Set(bodies);
    if (waiting.size < bodies.length) throw new Fault(`${this.#name}: one waits twice: ${bodies.join(" ")}`);
  }

  /** Nothing waits any more. */
  checkEnd(): void {
    if (this.isDamaged) return;
    for (const { body, told, isCancelAsked, entered } of this.#all.values())
      if (told !== null && !isCancelAsked && entered === null)
        throw new Fault(`${this.#name}: ${body} was accepted, and never entered the stream`);
  }

  clockJumps(): void {
    for (const later of this.#all.values()) later.earliest = 0;
  }

  crashed(crash: Crash): void {
    if (crash === "kill") return;
    const survives = (told: Told | null): Told | null =>
      told !== null && this.#promises.survives(told.number, told.level, crash) ? told : null;
    for (const later of this.#all.values()) {
      later.told = survives(later.told);
      later.cancelled = survives(later.cancelled);
      later.entered = survives(later.entered);
    }
  }
}
