/**
 * One database: every change of a key in memory, in the journal and for those who watch it, in one call.
 *
 * Commands find an entry, look at it through `table`, and change it by the methods here only. Not here: what the
 * streams of the database are (they are logs), replies, commands' rules. Invariants: a key that is due is never found;
 * whatever changes a value or an expiry writes a record and tells the watchers.
 */
import { copyBytes } from "../base/bytes.ts";
import { writeDelete, writeExpire, writeFlush, writePatch, writeSet } from "./key-records.ts";
import { KeyTable } from "./key-table.ts";
import type { Keyspace } from "./keyspace.ts";
import { patchValue } from "./patch.ts";
import { valueType } from "./value-type.ts";

/** As an expiry to `put`: the one that the key has stays. */
export const keepExpiry = -1;

export class Database {
  readonly number: number;
  readonly #keyspace: Keyspace;
  table: KeyTable;

  constructor(keyspace: Keyspace, number: number) {
    this.#keyspace = keyspace;
    this.number = number;
    this.table = keyspace.newTable();
  }

  get size(): number {
    return this.table.count;
  }

  /** The entry of a key, or 0. A key whose time has come is removed instead. */
  find(key: Uint8Array, start: number, end: number): number {
    const table = this.table;
    const entry = table.find(table.hash(key, start, end), key, start, end);
    return entry === 0 || !this.isDue(entry) ? entry : this.#expire(entry);
  }

  isDue(entry: number): boolean {
    const expiry = this.table.expiry(entry);
    return expiry !== 0 && expiry <= this.#keyspace.now();
  }

  #expire(entry: number): 0 {
    this.#keyspace.expired++;
    this.remove(entry);
    return 0;
  }

  /** Removes the entry if its time has come. */
  expireIfDue(entry: number): boolean {
    if (!this.isDue(entry)) return false;
    this.#expire(entry);
    return true;
  }

  /** Sets a key to `value[from, to)`, of whatever type it was. `expiry` is wall time in ms, 0 for never, or `keepExpiry`. */
  put(
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    from: number,
    to: number,
    expiry: number,
  ): void {
    const table = this.table;
    const hash = table.hash(key, start, end);
    let entry = table.find(hash, key, start, end);
    if (entry === 0) {
      entry = table.insert(hash, key, start, end, valueType.string, to - from);
      if (expiry > 0) table.setExpiry(entry, expiry);
    } else {
      if (expiry === keepExpiry && this.isDue(entry)) table.setExpiry(entry, 0);
      entry = table.resize(entry, to - from, false);
      table.setType(entry, valueType.string);
      if (expiry !== keepExpiry) table.setExpiry(entry, expiry);
    }
    copyBytes(table.bytes, table.start, value, from, to);
    this.#wasSet(entry);
  }

  /** Gives a string that is there another value; its expiry stays. */
  replace(entry: number, value: Uint8Array, from: number, to: number): void {
    const table = this.table;
    const place = table.resize(entry, to - from, false);
    copyBytes(table.bytes, table.start, value, from, to);
    this.#wasSet(place);
  }

  #wasSet(entry: number): void {
    const keyspace = this.#keyspace;
    const table = this.table;
    if (keyspace.isKept) {
      table.setAge(entry, keyspace.age);
      writeSet(keyspace.changes, this.number, table, entry);
      keyspace.recorded();
    }
    if (keyspace.isWatched) this.#tell(entry);
  }

  #tell(entry: number): void {
    const table = this.table;
    table.locateKey(entry);
    this.#keyspace.watcher!.keyChanged(this.number, table.bytes.latin1Slice(table.start, table.end));
  }

  /** Overwrites a part of a string that is there; it grows if needed, with zeros between. */
  patch(entry: number, offset: number, source: Uint8Array, from: number, to: number): void {
    const keyspace = this.#keyspace;
    const place = patchValue(this.table, entry, offset, source, from, to);
    if (keyspace.isKept) {
      writePatch(keyspace.changes, this.number, this.table, place, offset, to - from);
      keyspace.recorded();
    }
    if (keyspace.isWatched) this.#tell(place);
  }

  /** Changes when a key expires; 0 for never. */
  setExpiry(entry: number, at: number): void {
    const keyspace = this.#keyspace;
    this.table.setExpiry(entry, at);
    if (keyspace.isKept) {
      writeExpire(keyspace.changes, this.number, this.table, entry);
      keyspace.recorded();
    }
    if (keyspace.isWatched) this.#tell(entry);
  }

  remove(entry: number): void {
    const keyspace = this.#keyspace;
    if (keyspace.isKept) {
      writeDelete(keyspace.changes, this.number, this.table, entry);
      keyspace.recorded();
    }
    if (keyspace.isWatched) this.#tell(entry);
    this.table.remove(entry);
  }

  /** Removes all keys: one record, and the memory is given back at once. */
  flush(): void {
    const keyspace = this.#keyspace;
    if (this.table.count === 0) return;
    if (keyspace.isKept) {
      writeFlush(keyspace.changes, this.number);
      keyspace.recorded();
    }
    this.table.free();
    this.table = keyspace.newTable();
  }

  /** Writes an entry into the journal again, for the cleaner. */
  rewrite(entry: number): void {
    const keyspace = this.#keyspace;
    this.table.setAge(entry, keyspace.age);
    writeSet(keyspace.changes, this.number, this.table, entry);
  }
}
