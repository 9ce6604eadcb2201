/**
 * Records of members that come into a set or leave it, in the journal: those of one operation that follow each other are one
 * record.
 *
 * Not here: what changes the set. Invariant: between the first member of a record and its end (`end`, or by itself where the
 * record has become long) nothing else is recorded.
 */
import type { Database } from "../database.ts";
import { beginElements, endElements, type operation, writeElementBytes } from "../key-records.ts";
import type { Keyspace } from "../keyspace.ts";

type MemberOperation = typeof operation.addMembers | typeof operation.removeMembers;

export class MemberRecords {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  /** The record that is open: its operation, where its count stands, and the count; 0 for none. */
  #operation: MemberOperation | 0 = 0;
  #countAt = 0;
  #count = 0;

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
  }

  write(code: MemberOperation, entry: number, member: Uint8Array, start: number, end: number): void {
    const { changes } = this.#keyspace;
    if (this.#operation !== code) {
      this.end();
      const { number, table } = this.#database;
      this.#countAt = beginElements(changes, code, number, table, entry);
      this.#operation = code;
      this.#count = 0;
    }
    writeElementBytes(changes, member, start, end);
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
