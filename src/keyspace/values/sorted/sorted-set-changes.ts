/**
 * Changes of one sorted set by one command: in memory, in the journal and for those who watch the key.
 *
 *     open(entry)  set(...) remove(...) removeFound()  close()
 *
 * Nothing else of the keyspace may be changed in between. Invariant: a sorted set that is empty at `close` is removed with its key.
 */
import type { Database } from "../../database.ts";
import { operation, writeElementBytes } from "../../key-records.ts";
import type { Keyspace } from "../../keyspace.ts";
import { ChangeRecord } from "../change-record.ts";

export class SortedSetChanges {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  readonly #record: ChangeRecord;
  #entry = 0;
  #isChanged = false;
  /** Something was added and nothing taken out since: it is not empty, whatever it has. */
  #isFilled = false;
  /** The key went with its last member when the sorted set was closed last. */
  isGone = false;

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
    this.#record = new ChangeRecord(database, keyspace);
  }

  /** Where the entry is now. */
  get entry(): number {
    return this.#entry;
  }

  open(entry: number): void {
    this.#entry = entry;
    this.#isChanged = false;
    this.#isFilled = false;
  }

  /** Gives a member a score; says whether it is a new one. */
  set(score: number, member: Uint8Array, start: number, end: number): boolean {
    const keyspace = this.#keyspace;
    const { sortedSets } = keyspace;
    const { content } = this.#database;
    const isNew = sortedSets.set(content, this.#entry, keyspace.position, score, member, start, end);
    this.#entry = sortedSets.entry;
    this.#isChanged = true;
    this.#isFilled = true;
    if (keyspace.isKept) {
      this.#record.begin(operation.setScores, this.#entry);
      keyspace.changes.float64(sortedSets.given);
      writeElementBytes(keyspace.changes, member, start, end);
      this.#record.added();
    }
    return isNew;
  }

  /** Takes a member out; says whether it was there. */
  remove(member: Uint8Array, start: number, end: number): boolean {
    const { sortedSets } = this.#keyspace;
    if (!sortedSets.remove(this.#database.content, this.#entry, member, start, end)) return false;
    this.#entry = sortedSets.entry;
    this.#removed(member, start, end);
    return true;
  }

  /** Takes out the member that a walk of the values found last (`SortedSetValues.next`). */
  removeFound(): void {
    const { sortedSets } = this.#keyspace;
    // Its bytes go with it.
    this.#removed(sortedSets.bytes, sortedSets.start, sortedSets.end);
    sortedSets.removeFound(this.#database.content, this.#entry);
    this.#entry = sortedSets.entry;
  }

  #removed(member: Uint8Array, start: number, end: number): void {
    const keyspace = this.#keyspace;
    this.#isChanged = true;
    this.#isFilled = false;
    if (!keyspace.isKept) return;
    this.#record.begin(operation.removeScored, this.#entry);
    writeElementBytes(keyspace.changes, member, start, end);
    this.#record.added();
  }

  close(): void {
    this.#record.end();
    const database = this.#database;
    this.isGone = !this.#isFilled && this.#keyspace.sortedSets.count(database.content, this.#entry) === 0;
    if (this.isGone) database.remove(this.#entry);
    else if (this.#isChanged) database.tell(this.#entry);
  }
}
