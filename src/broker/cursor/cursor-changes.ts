/**
 * The changes of a cursor since the last tick, in the order in which they happened, as the journal gets them:
 *
 *     given   = u8 2, u64 from, u64 to, u32 owner, i64 time, u64 x2 entry id of `from` (the others follow it)
 *     settled = u8 3, u64 from, u64 to
 *     shown   = u8 9, u64 from, u64 to
 *     others  = u8 kind, and what the cursor writes
 *
 * Runs are joined: a thousand records given or settled in a row are one change. Invariant: an open run is closed before
 * any other change is written.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";

export const change = {
  position: 1,
  given: 2,
  settled: 3,
  noted: 4,
  ownerAdded: 5,
  ownerRemoved: 6,
  historyKept: 7,
  historyDropped: 8,
  shown: 9,
  givenUp: 10,
} as const;

export class CursorChanges {
  readonly #writer = new ByteWriter(64);
  #kind = 0;
  #from = 0;
  #to = 0;
  #owner = 0;
  #time = 0;
  /** Entry id of the run's first record, and the one that the next record must have to join. */
  readonly #id = new EntryId();
  readonly #nextId = new EntryId();

  /** A record was given out. Says whether it opened a run. */
  given(offset: number, owner: number, time: number, id: EntryId): boolean {
    if (
      this.#kind === change.given &&
      this.#to === offset &&
      this.#owner === owner &&
      this.#time === time &&
      this.#nextId.equals(id)
    ) {
      this.#to = offset + 1;
      this.#nextId.add(1);
      return false;
    }
    this.#open(change.given, offset);
    this.#owner = owner;
    this.#time = time;
    this.#id.copyFrom(id);
    this.#nextId.copyFrom(id).add(1);
    return true;
  }

  /** A record was settled. Says whether it opened a run. */
  settled(offset: number): boolean {
    return this.#run(change.settled, offset);
  }

  /** A record of a queue with priorities was given out for the first time. */
  shown(offset: number): void {
    this.#run(change.shown, offset);
  }

  #run(kind: number, offset: number): boolean {
    if (this.#kind === kind && this.#to === offset) {
      this.#to = offset + 1;
      return false;
    }
    this.#open(kind, offset);
    return true;
  }

  #open(kind: number, offset: number): void {
    this.#close();
    this.#kind = kind;
    this.#from = offset;
    this.#to = offset + 1;
  }

  #close(): void {
    if (this.#kind === 0) return;
    const writer = this.#writer.uint8(this.#kind).int64(this.#from).int64(this.#to);
    if (this.#kind === change.given) this.#id.encode(writer.uint32(this.#owner).int64(this.#time));
    this.#kind = 0;
  }

  /** For a change of another kind: the caller writes its fields. */
  begin(kind: number): ByteWriter {
    this.#close();
    return this.#writer.uint8(kind);
  }

  /** Hands over all changes and forgets them. */
  moveTo(writer: ByteWriter): void {
    this.#close();
    writer.bytes(this.#writer.buffer, 0, this.#writer.length);
    this.#writer.reset();
  }

  /** The full form is written instead. */
  reset(): void {
    this.#kind = 0;
    this.#writer.reset();
  }
}
