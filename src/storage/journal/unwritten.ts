/**
 * What is not written yet, for the time in which the journal takes nothing: an answer may leave if, since its request came,
 * nothing was changed, and nothing looked at that is not written. Both move one number, `mark`.
 *
 * Not here: who waits and who is answered (net/connection.ts).
 * Invariant: `mark` never comes back to a number that it had before a change or a look.
 */
import { frameHeaderBytes, frameKind, frameKindAt } from "./frame.ts";
import type { JournalStore } from "./journal.ts";
import type { Log } from "../log/log.ts";
import type { StateHandle } from "../state/state.ts";
import type { StateSource } from "../state/state-source.ts";
import type { WriteGate } from "./write-gate.ts";

export interface UnwrittenOptions {
  /** Null: nothing is kept, so nothing waits. */
  readonly journal: JournalStore | null;
  readonly gate: WriteGate;
  readonly source: StateSource | null;
  readonly states: ReadonlyMap<number, StateHandle>;
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

  /** Call where a client asks after a log: it may hear of what is not written, and then its answer waits. */
  lookedAt({ id, lastPosition, isDurable }: Log): void {
    const journal = this.#journal;
    if (this.#gate.writeFailure === null || journal === null || !isDurable) return;
    journal.seal();
    const handle = this.#states.get(id);
    if (lastPosition >= journal.written || (handle !== undefined && this.#changed.has(handle)))
      journal.unwrittenLooks++;
  }

  /** The same for one of the source's values, of which the source knows that it is not written. */
  lookedAtValue(): void {
    if (this.#journal !== null) this.#journal.unwrittenLooks++;
  }

  /** Visits what the source has changed and is not written yet. */
  eachChange(visit: (changes: Buffer, start: number, end: number) => void): void {
    this.#journal?.eachUnwritten((buffer, at, length) => {
      if (frameKindAt(buffer, at) === frameKind.source) visit(buffer, at + frameHeaderBytes, at + length);
    });
    const changes = this.#source?.changes;
    if (changes !== undefined) visit(changes.buffer, 0, changes.length);
  }
}
