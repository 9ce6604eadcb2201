/**
 * Tracks what is not written yet while the journal cannot be written. An answer may leave then only if, since its request came,
 * nothing was changed and nothing unwritten was read. Both move one number, `mark`.
 *
 * Not here: which answers wait (net/connection.ts), which requests read what (ADR 14). Invariant: `mark` never returns to a number
 * that it had before a change or a read.
 */
import { frameHeaderBytes, frameKind, frameKindAt } from "./frame.ts";
import type { JournalStore } from "./journal.ts";
import { Log } from "../log/log.ts";
import type { StateHandle } from "../state/state.ts";
import type { StateSource, StateSourceId } from "../state/state-source.ts";
import type { Definitions } from "../state/definitions.ts";
import type { WriteGate } from "./write-gate.ts";

export interface UnwrittenOptions {
  /** Null: there is no disk, so nothing waits. */
  readonly journal: JournalStore | null;
  readonly gate: WriteGate;
  readonly sources: readonly StateSource[];
  readonly definitions: Definitions;
}

/** How many of a source's changes have been visited. */
export interface SeenChanges {
  /** All frames below this position. */
  frames: number;
  /** Of the bytes that the source has had in `changes` since the start. */
  bytes: number;
}

export class Unwritten {
  readonly #journal: JournalStore | null;
  readonly #gate: WriteGate;
  readonly #sources: readonly StateSource[];
  readonly #definitions: Definitions;
  /** Changes of states so far: they are in the journal only once the tick ends. */
  stateChanges = 0;
  /** Logs with something unwritten: records or marks of their own, or a cursor on them. */
  readonly #changedLogs = new Set<Log>();
  /** A state of no log has changed. */
  #hasOtherChange = false;
  /** Bytes of each source's changes that have been put in frames since the start. */
  readonly #appendedBytes = new Map<StateSourceId, number>();

  constructor({ journal, gate, sources, definitions }: UnwrittenOptions) {
    this.#journal = journal;
    this.#gate = gate;
    this.#sources = sources;
    this.#definitions = definitions;
  }

  get mark(): number {
    const journal = this.#journal;
    if (journal === null) return 0;
    let gathered = 0;
    for (const { changes } of this.#sources) gathered += changes.length;
    return this.stateChanges + journal.end + gathered + journal.unwrittenLooks;
  }

  /** A state whose change the journal refused, or that changes while the journal refuses everything. */
  changed({ owner }: StateHandle): void {
    const log = owner instanceof Log ? owner : owner.log;
    if (log === undefined) this.#hasOtherChange = true;
    else this.#changedLogs.add(log);
  }

  /** Everything is written. */
  written(): void {
    this.#changedLogs.clear();
    this.#hasOtherChange = false;
  }

  /** Call this where an answer depends on a log or a cursor on it: if something of it is unwritten, the answer waits. */
  lookedAt(log: Log): void {
    const journal = this.#journal;
    if (this.#gate.writeFailure === null || journal === null || !log.isDurable) return;
    journal.seal();
    if (log.lastPosition >= journal.written || this.#changedLogs.has(log)) journal.unwrittenLooks++;
  }

  /** The same for definitions of the kinds that `isAsked` accepts. */
  lookedAtTable(isAsked: (kind: string) => boolean): void {
    if (this.#gate.writeFailure !== null && this.hasChanged(isAsked)) this.#journal!.unwrittenLooks++;
  }

  /** The same for one definition, whether it exists or not. */
  lookedAtPair(key: string): void {
    const journal = this.#journal;
    if (this.#gate.writeFailure === null || journal === null) return;
    if (this.#definitions.changedAt(key) >= journal.written) journal.unwrittenLooks++;
  }

  /** Whether a definition of such a kind, or a state of no log, has changed and is not written. */
  hasChanged(isAsked: (kind: string) => boolean): boolean {
    const journal = this.#journal;
    if (journal === null) return false;
    if (this.#hasOtherChange) return true;
    for (const [kind, end] of this.#definitions.changedUntil)
      if (end > journal.written && isAsked(kind)) return true;
    return false;
  }

  /** The same for data that its owner knows to be unwritten. */
  lookedAtUnwritten(): void {
    if (this.#journal !== null) this.#journal.unwrittenLooks++;
  }

  /** This many bytes of the source's changes were put in a frame. */
  appended(id: StateSourceId, bytes: number): void {
    this.#appendedBytes.set(id, (this.#appendedBytes.get(id) ?? 0) + bytes);
  }

  /**
   * Visits the source's changes that are not written yet and were not visited before; most of them once, however often this is
   * called.
   */
  eachNewChange(
    { sourceId, changes }: StateSource,
    seen: SeenChanges,
    visit: (changes: Buffer, start: number, end: number) => void,
  ): void {
    const journal = this.#journal!;
    journal.eachUnwritten(seen.frames, (buffer, at, length) => {
      if (frameKindAt(buffer, at) !== frameKind.source) return;
      const body = at + frameHeaderBytes;
      if (buffer[body] === sourceId) visit(buffer, body + 1, at + length);
    });
    seen.frames = journal.end;
    const appended = this.#appendedBytes.get(sourceId) ?? 0;
    visit(changes.buffer, Math.max(seen.bytes - appended, 0), changes.length);
    seen.bytes = appended + changes.length;
  }
}
