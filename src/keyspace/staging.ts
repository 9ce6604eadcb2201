/**
 * Where a value is made that takes several turns: in a database of its own that no client can select, under a name that nothing else
 * has, until it is renamed to its key in one step (`Database.renameTo`). So nobody sees a part of it.
 *
 * Its changes are in the journal as any others; what is found here at the start was left by a process that ended, and is dropped.
 * Not here: how values are made. Invariant: whoever begins a value renames or removes it, also when its work is cancelled.
 */
import type { Database } from "./database.ts";

export class Staging {
  readonly database: Database;
  #begun = 0;

  constructor(database: Database) {
    this.database = database;
  }

  newKey(): Buffer {
    return Buffer.from(String(++this.#begun), "latin1");
  }

  /** Removes what is there under a key that `newKey` has given, if anything. */
  drop(key: Buffer): void {
    const entry = this.database.find(key, 0, key.length);
    if (entry !== 0) this.database.remove(entry);
  }
}
