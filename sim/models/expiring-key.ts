/**
 * A Redis key with an expiry, which one client writes: what it may hold, and between which wall times it may end.
 *
 * A command runs at some wall time between question and answer, so a time that counts from then is known within bounds.
 * Not here: commands (actors/expiring-keys.ts). Invariant: the key's true state is among those of `#state`.
 */
import { type Crash, Fault, type Promises } from "../model.ts";
import { Uncertain } from "./uncertain.ts";

/** The time at which something happens, ms: not before `from` and not after `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Value {
  readonly text: string;
  /** When it is due; null for never. */
  readonly end: Span | null;
}

/** What a command makes of a value that it found; null for a state in which it would have answered otherwise. */
export type OnFound = (value: Value) => { readonly next: Value | null } | null;

export const anyTime: Span = { from: -1e15, to: 1e15 };

export class ExpiringKey {
  readonly name: string;
  readonly #state: Uncertain<Value | null>;
  readonly #ever = new Set<string>();
  /** Bytes of files were damaged: it may hold any value that it once had. */
  isDamaged = false;

  constructor(name: string, promises: Promises) {
    this.name = name;
    this.#state = new Uncertain<Value | null>(null, promises);
  }

  setting(text: string): void {
    this.#ever.add(text);
  }

  assertSet(text: string): void {
    if (!this.#ever.has(text)) throw new Fault(`${this.name} is "${text}", which nobody set`);
  }

  /** A command was answered: so it found the key, or it did not, and made this of it. */
  answered(what: string, when: Span, onFound: OnFound, onMissing: OnMissing): void {
    const before = this.#state.possible;
    const next = outcomes(before, when, onFound, onMissing);
    if (next.length === 0 && !this.isDamaged)
      throw new Fault(
        `${this.name}: ${what} between ${when.from} and ${when.to}, but it is ${describe(before)}`,
      );
    if (next.length > 0) this.#state.settle(next);
  }

  /** There was no answer: it may have run. */
  mayHave(when: Span, onFound: OnFound, onMissing: OnMissing): void {
    this.#state.maybe(outcomes(this.#state.possible, when, onFound, onMissing));
  }

  /** The wall clock is about to be set to another time: what is due by now may have been removed already. */
  clockJumps(now: number): void {
    const { possible } = this.#state;
    if (possible.some((value) => isMissedAt(value, { from: now, to: now }))) this.#state.maybe([null]);
  }

  crashed(crash: Crash): void {
    this.#state.crashed(crash);
  }
}

/** What a command makes of a key that is not there; null when it would have answered otherwise. */
export type OnMissing = () => { readonly next: Value | null } | null;

function outcomes(
  states: readonly (Value | null)[],
  when: Span,
  onFound: OnFound,
  onMissing: OnMissing,
): (Value | null)[] {
  const next: (Value | null)[] = [];
  for (const state of states) {
    const found = state === null ? null : foundAt(state, when);
    for (const result of [found && onFound(found), isMissedAt(state, when) ? onMissing() : null])
      if (result !== null) next.push(result.next);
  }
  // The clock was set meanwhile: before that it may have been late enough to end what the command left.
  if (when === anyTime && next.some((value) => value !== null && value.end !== null)) next.push(null);
  return next;
}

/** The value as one knows it after having found it then; null when it must have been due. */
function foundAt(value: Value, when: Span): Value | null {
  const { text, end } = value;
  if (end === null) return value;
  if (when.from >= end.to) return null;
  return { text, end: { from: Math.max(end.from, when.from + 1), to: end.to } };
}

function isMissedAt(state: Value | null, when: Span): boolean {
  return state === null || (state.end !== null && when.to >= state.end.from);
}

function describe(states: readonly (Value | null)[]): string {
  return states
    .map((state) => {
      if (state === null) return "nothing";
      const { text, end } = state;
      return end === null ? text : `${text} until ${end.from} to ${end.to}`;
    })
    .join(" or ");
}
