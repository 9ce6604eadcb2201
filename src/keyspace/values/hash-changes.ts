/**
 * Changes of one hash by one command: in memory, in the journal and for those who watch the key.
 *
 *     open(entry)  set(...) remove(...)  close()
 *
 * Nothing else of the keyspace may be changed in between: the fields go into one record, which is ended by `close`, or
 * before where it has become long. Invariant: a hash that is empty at `close` is removed with its key.
 */
import type { Database } from "../database.ts";
import { beginElements, endElements, operation, writeElementBytes } from "../key-records.ts";
import type { Keyspace } from "../keyspace.ts";

export class HashChanges {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  #entry = 0;
  #isChanged = false;
  /** The key went with its last field when the hash was closed last. */
  isGone = false;
  /** The record that is open: its operation, where its count stands, and the count; 0 for none. */
  #operation = 0;
  #countAt = 0;
  #count = 0;

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
  }

  open(entry: number): void {
    this.#entry = entry;
    this.#isChanged = false;
  }

  /** Sets a field to `value[start, end)`; says whether it is a new one. */
  set(
    field: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
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
    );
    this.#entry = hashes.entry;
    this.#isChanged = true;
    if (keyspace.isKept) {
      this.#begin(operation.setFields);
      writeElementBytes(keyspace.changes, field, fieldStart, fieldEnd);
      writeElementBytes(keyspace.changes, value, start, end);
      this.#added();
    }
    return isNew;
  }

  /** Takes a field out; says whether it was there. */
  remove(field: Uint8Array, start: number, end: number): boolean {
    const keyspace = this.#keyspace;
    const { hashes } = keyspace;
    if (!hashes.remove(this.#database.content, this.#entry, field, start, end)) return false;
    this.#entry = hashes.entry;
    this.#isChanged = true;
    if (keyspace.isKept) {
      this.#begin(operation.removeFields);
      writeElementBytes(keyspace.changes, field, start, end);
      this.#added();
    }
    return true;
  }

  #begin(code: number): void {
    if (this.#operation === code) return;
    this.#end();
    const { number, table } = this.#database;
    this.#countAt = beginElements(this.#keyspace.changes, code, number, table, this.#entry);
    this.#operation = code;
    this.#count = 0;
  }

  #added(): void {
    this.#count++;
    if (this.#keyspace.hasManyChanges) this.#end();
  }

  #end(): void {
    if (this.#operation === 0) return;
    endElements(this.#keyspace.changes, this.#countAt, this.#count);
    this.#operation = 0;
    this.#keyspace.recorded();
  }

  close(): void {
    this.#end();
    const database = this.#database;
    this.isGone = this.#keyspace.hashes.count(database.content, this.#entry) === 0;
    if (this.isGone) database.remove(this.#entry);
    else if (this.#isChanged) database.tell(this.#entry);
  }
}
