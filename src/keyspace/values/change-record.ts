/**
 * The record of changes of one value's elements that is being written: many changes of one kind share one.
 *
 * Not here: what an element's bytes are. Invariant: between `begin` and `end` nothing else is written to the journal.
 */
import type { Database } from "../database.ts";
import { beginElements, endElements } from "../key-records.ts";
import type { Keyspace } from "../keyspace.ts";

export class ChangeRecord {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  /** Its operation; 0 while none is open. */
  #operation = 0;
  /** Where its count stands. */
  #countAt = 0;
  #count = 0;

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
  }

  /** Opens a record of that operation, unless one is open; one of another operation ends. The caller writes an element, then calls `added`. */
  begin(code: number, entry: number): void {
    if (this.#operation === code) return;
    this.end();
    const { number, table } = this.#database;
    this.#countAt = beginElements(this.#keyspace.changes, code, number, table, entry);
    this.#operation = code;
    this.#count = 0;
  }

  added(): void {
    this.#count++;
    if (this.#keyspace.hasManyChanges) this.end();
  }

  end(): void {
    if (this.#operation === 0) return;
    endElements(this.#keyspace.changes, this.#countAt, this.#count);
    this.#operation = 0;
    this.#keyspace.recorded();
  }
}
