/**
 * Whom the keyspace tells of a changed value: those who WATCH the key, whose cache has it, and who wait for it.
 *
 * Streams are not among the values; their changes come from their logs (stream/stream-watch.ts). Invariant: while nobody watches or
 * waits for a value, changes are not told.
 */
import type { KeyWatcher } from "../../../keyspace/key-listeners.ts";
import type { WatchTable } from "../transaction/watches.ts";
import type { Tracking } from "../tracking/tracking.ts";
import type { BlockedClients } from "./blocked-clients.ts";

export class KeyChanges implements KeyWatcher {
  readonly #watches: WatchTable;
  readonly #blocking: BlockedClients;
  readonly #tracking: Tracking;
  isUnasked = false;

  constructor(watches: WatchTable, blocking: BlockedClients, tracking: Tracking) {
    this.#watches = watches;
    this.#blocking = blocking;
    this.#tracking = tracking;
  }

  get isEmpty(): boolean {
    return this.#watches.isEmpty && this.#blocking.toldKeyCount === 0 && this.#tracking.clientCount === 0;
  }

  keyChanged(database: number, key: string, type: string, isAgain: boolean): void {
    if (!isAgain) {
      if (!this.#watches.isEmpty) this.#watches.keyChanged(database, key);
      if (this.#tracking.clientCount > 0) this.#tracking.keyChanged(key, this.isUnasked);
    }
    if (this.#blocking.toldKeyCount > 0) this.#blocking.changed(type, database, key);
  }
}
