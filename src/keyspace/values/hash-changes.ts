/**
 * Changes of one hash by one command: in memory, in the journal and for those who watch the key.
 *
 *     open(entry)  set(...) expire(...) remove(...)  close()
 *
 * Nothing else of the keyspace may be changed in between: the fields go into one record, which is ended by `close`, or
 * before where it has become long. Fields whose time has come are taken out here too (`removeDue`), whoever noticed it.
 * Invariant: a hash that is empty at `close` is removed with its key.
 */
import type { Database } from "../database.ts";
import { operation, writeElementBytes } from "../key-records.ts";
import type { Keyspace } from "../keyspace.ts";
import { ChangeRecord } from "./change-record.ts";

export class HashChanges {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  readonly #record: ChangeRecord;
  #entry = 0;
  #isChanged = false;
  /** Something was added and nothing taken out since: it is not empty, whatever it has. */
  #isFilled = false;
  /** The key went with its last field when the hash was closed last. */
  isGone = false;

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
    this.#record = new ChangeRecord(database, keyspace);
  }

  /** Where the entry is now; 0 once `close` has removed it. */
  get entry(): number {
    return this.#entry;
  }

  open(entry: number): void {
    this.#entry = entry;
    this.#isChanged = false;
    this.#isFilled = false;
  }

  /** Sets a field to `value[start, end)`, to expire at that wall time, ms, or never (0); says whether it is a new one. */
  set(
    field: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
    expiry = 0,
  ): boolean {
    const keyspace = this.#keyspace;
    const { hashes } = keyspace;
    const { content } = this.#database;
    const isNew = hashes.set(
      content,
      this.#entry,
      keyspace.position,
      field,
      fieldStart,
      fieldEnd,
      value,
      start,
      end,
      expiry,
    );
    this.#entry = hashes.entry;
    this.#isChanged = true;
    this.#isFilled = true;
    if (keyspace.isKept) {
      if (expiry === 0) this.#record.begin(operation.setFields, this.#entry);
      else {
        this.#record.begin(operation.setTimedFields, this.#entry);
        keyspace.changes.float64(expiry);
      }
      writeElementBytes(keyspace.changes, field, fieldStart, fieldEnd);
      writeElementBytes(keyspace.changes, value, start, end);
      this.#record.added();
    }
    return isNew;
  }

  /** Has a field expire at that wall time, ms, or never (0); says whether it is there. */
  expire(field: Uint8Array, start: number, end: number, at: number): boolean {
    const keyspace = this.#keyspace;
    const { hashes } = keyspace;
    if (!hashes.expire(this.#database.content, this.#entry, field, start, end, at)) return false;
    this.#entry = hashes.entry;
    this.#isChanged = true;
    if (keyspace.isKept) {
      this.#record.begin(operation.expireFields, this.#entry);
      keyspace.changes.float64(at);
      writeElementBytes(keyspace.changes, field, start, end);
      this.#record.added();
    }
    return true;
  }

  /** Takes a field out; says whether it was there. */
  remove(field: Uint8Array, start: number, end: number): boolean {
    const { hashes } = this.#keyspace;
    const { content } = this.#database;
    // One that is hidden is gone already for those who ask.
    if (hashes.isHidden(content, this.#entry, field, start, end)) return false;
    if (!hashes.remove(content, this.#entry, field, start, end)) return false;
    this.#entry = hashes.entry;
    this.#removed(field, start, end);
    return true;
  }

  #removed(field: Uint8Array, start: number, end: number): void {
    const keyspace = this.#keyspace;
    this.#isChanged = true;
    this.#isFilled = false;
    if (!keyspace.isKept) return;
    this.#record.begin(operation.removeFields, this.#entry);
    writeElementBytes(keyspace.changes, field, start, end);
    this.#record.added();
  }

  /**
   * Takes up to `most` fields out of the hash of `entry` that are due at that time: the only place where fields expire. Returns how
   * many.
   */
  removeDue(entry: number, time: number, most: number): number {
    const { hashes, listener } = this.#keyspace;
    const { content } = this.#database;
    const key = listener?.hearsFields === true ? keyOf(this.#database, entry) : null;
    let removed = 0;
    this.open(entry);
    try {
      for (; removed < most && hashes.nextDue(content, this.#entry, time); removed++) {
        const { bytes, fieldStart, fieldEnd } = hashes;
        // Its bytes go with it.
        this.#removed(bytes, fieldStart, fieldEnd);
        hashes.remove(content, this.#entry, bytes, fieldStart, fieldEnd);
        this.#entry = hashes.entry;
      }
    } finally {
      this.#keyspace.expiredFields += removed;
      this.close();
    }
    if (key !== null && removed > 0)
      listener!.fieldsExpired(this.#database.number, key, 0, key.length, this.isGone);
    return removed;
  }

  close(): void {
    this.#record.end();
    const database = this.#database;
    this.isGone = !this.#isFilled && this.#keyspace.hashes.count(database.content, this.#entry) === 0;
    if (!this.isGone) {
      if (this.#isChanged) database.tell(this.#entry);
      return;
    }
    database.remove(this.#entry);
    this.#entry = 0;
  }
}

function keyOf({ table }: Database, entry: number): Buffer {
  table.locateKey(entry);
  return Buffer.from(table.bytes.subarray(table.start, table.end));
}
