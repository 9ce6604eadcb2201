/**
 * Which keys have changes that are not written, for the time in which the journal takes nothing.
 *
 * Not here: what follows from it (storage/journal/unwritten.ts). Invariant: each change is read about once, however often and
 * amid whatever changes a client asks after keys.
 */
import type { Broker, StateSource } from "../broker/broker.ts";
import { visitKeys } from "./key-records.ts";
import type { ValueKinds } from "./values/value-kind.ts";

export class UnwrittenKeys {
  /** `database key`; `database` for all of it. */
  readonly #keys = new Set<string>();
  readonly #seen = { frames: 0, bytes: 0 };
  /** The keys in `#keys` were not written when the journal was written up to here. */
  #written = -1;
  readonly #source: StateSource;
  readonly #kinds: ValueKinds;

  constructor(source: StateSource, kinds: ValueKinds) {
    this.#source = source;
    this.#kinds = kinds;
  }

  has(storage: Broker["storage"], database: number, key: string): boolean {
    this.#lookOn(storage);
    const keys = this.#keys;
    return keys.has(`${database}`) || keys.has(`${database} ${key}`);
  }

  hasAny(storage: Broker["storage"]): boolean {
    this.#lookOn(storage);
    return this.#keys.size > 0;
  }

  #lookOn(storage: Broker["storage"]): void {
    const keys = this.#keys;
    if (storage.written !== this.#written) {
      this.#written = storage.written;
      keys.clear();
      this.#seen.frames = this.#seen.bytes = 0;
    }
    storage.unwritten.eachNewChange(this.#source, this.#seen, (changes, from, to) => {
      visitKeys(this.#kinds, changes, from, to, (of, start, end) =>
        keys.add(start < 0 ? `${of}` : `${of} ${changes.latin1Slice(start, end)}`),
      );
    });
  }
}
