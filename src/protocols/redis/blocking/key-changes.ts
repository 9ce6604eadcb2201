/**
 * Whom the keyspace tells of a changed value: those who WATCH the key, and those who wait for it.
 *
 * Streams are not among the values; their changes come from their logs (stream/stream-watch.ts). Invariant: while nobody watches or
 * waits for a value, changes are not told.
 */
import type { KeyWatcher } from "../../../keyspace/keyspace.ts";
import type { WatchTable } from "../transaction/watches.ts";
import type { BlockedClients } from "./blocked-clients.ts";

export class KeyChanges implements KeyWatcher {
  readonly #watches: WatchTable;
  readonly #blocking: BlockedClients;

  constructor(watches: WatchTable, blocking: BlockedClients) {
    this.#watches = watches;
    this.#blocking = blocking;
  }

  get isEmpty(): boolean {
    return this.#watches.isEmpty && this.#blocking.toldKeyCount === 0;
  }

  keyChanged(database: number, key: string, type: string): void {
    if (!this.#watches.isEmpty) this.#watches.keyChanged(database, key);
    if (this.#blocking.toldKeyCount > 0) this.#blocking.changed(type, database, key);
  }
}
