/**
 * What is not written yet, for the time in which the journal takes nothing: an answer may leave if, since its request came,
 * nothing was changed, and nothing looked at that is not written. Both move one number, `mark`.
 *
 * A change is noticed by itself. A look is not: whoever shows a client something that is kept says so here (`lookedAt...`).
 * Not here: who waits and who is answered (net/connection.ts).
 * Invariant: `mark` never comes back to a number that it had before a change or a look.
 */
import { frameHeaderBytes, frameKind, frameKindAt } from "./frame.ts";
import type { JournalStore } from "./journal.ts";
import type { Log } from "./log.ts";
import type { StateHandle } from "./state.ts";
import type { StateSource } from "./state-source.ts";
import type { WriteGate } from "./write-gate.ts";

export interface UnwrittenOptions {
  /** Null: nothing is kept, so nothing waits. */
  readonly journal: JournalStore | null;
  readonly gate: WriteGate;
  readonly source: StateSource | null;
  readonly states: ReadonlyMap<number, StateHandle>;
}

/** How far somebody has seen what the source changed. */
export interface SeenChanges {
  /** All frames below this position. */
  frames: number;
  /** Of the bytes that the source has had in `changes` since the start. */
  bytes: number;
}

export class Unwritten {
  readonly #journal: JournalStore | null;
  readonly #gate: WriteGate;
  readonly #source: StateSource | null;
  readonly #states: ReadonlyMap<number, StateHandle>;
  /** Changes of states so far: they are in the journal only once the tick ends. */
  stateChanges = 0;
  /** Of these the changes are in the journal's tail. */
  readonly #changed = new Set<StateHandle>();
  /** Bytes of the source's changes that have been put in frames since the start. */
  sourceBytes = 0;

  constructor({ journal, gate, source, states }: UnwrittenOptions) {
    this.#journal = journal;
    this.#gate = gate;
    this.#source = source;
    this.#states = states;
  }

  get mark(): number {
    const journal = this.#journal;
    if (journal === null) return 0;
    return this.stateChanges + journal.end + (this.#source?.changes.length ?? 0) + journal.unwrittenLooks;
  }

  /** The journal refused a tick in which these states changed. */
  refused(states: readonly StateHandle[]): void {
    for (const handle of states) this.#changed.add(handle);
  }

  /** All is written. */
  written(): void {
    if (this.#changed.size > 0) this.#changed.clear();
  }

  /** Nothing can be written now; else nothing comes of a look. */
  get matters(): boolean {
    return this.#journal !== null && this.#gate.writeFailure !== null;
  }

  /** Call where a client asks after a log: it may hear of what is not written, and then its answer waits. */
  lookedAt({ id, lastPosition, isDurable }: Log): void {
    if (!this.matters || !isDurable) return;
    const journal = this.#journal!;
    journal.seal();
    if (lastPosition >= journal.written) journal.unwrittenLooks++;
    else this.lookedAtState(this.#states.get(id) ?? null);
  }

  /** The same for another state, such as a cursor; null where it is not kept. */
  lookedAtState(handle: StateHandle | null): void {
    if (handle === null || !this.matters) return;
    const journal = this.#journal!;
    const isWritten = !handle.isChanged && !this.#changed.has(handle) && handle.position < journal.written;
    if (!isWritten) journal.unwrittenLooks++;
  }

  /** The same for something of which its owner knows that it is not written. */
  lookedAtUnwritten(): void {
    if (this.#journal !== null) this.#journal.unwrittenLooks++;
  }

  /**
   * Visits what the source has changed, is not written yet, and was not seen before; most of it once, however often this is
   * called.
   */
  eachNewChange(seen: SeenChanges, visit: (changes: Buffer, start: number, end: number) => void): void {
    const journal = this.#journal!;
    journal.eachUnwritten(seen.frames, (buffer, at, length) => {
      if (frameKindAt(buffer, at) === frameKind.source) visit(buffer, at + frameHeaderBytes, at + length);
    });
    seen.frames = journal.end;
    const changes = this.#source?.changes;
    if (changes === undefined) return;
    visit(changes.buffer, Math.max(seen.bytes - this.sourceBytes, 0), changes.length);
    seen.bytes = this.sourceBytes + changes.length;
  }
}
