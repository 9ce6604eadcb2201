/**
 * The prefixes of clients that are told of all changes (BCAST), and which keys have changed since they were told last.
 *
 * Prefixes are kept by their length, so a change costs one look for each length that there is. Not here: telling them. Invariants: a
 * prefix is here exactly as long as a client has it; its `changed` holds each key once.
 */
import type { TrackedClient } from "./tracked-client.ts";

export class TrackedPrefix {
  readonly text: string;
  readonly clients = new Set<TrackedClient>();
  /** Keys that have changed, with whose command changed them last; null for nobody's. */
  readonly changed = new Map<string, TrackedClient | null>();

  constructor(text: string) {
    this.text = text;
  }
}

export class PrefixTable {
  readonly #byLength = new Map<number, Map<string, TrackedPrefix>>();
  size = 0;
  /** Those with changed keys. */
  #changed = new Set<TrackedPrefix>();

  add(text: string, client: TrackedClient): void {
    let prefixes = this.#byLength.get(text.length);
    if (prefixes === undefined) this.#byLength.set(text.length, (prefixes = new Map()));
    let prefix = prefixes.get(text);
    if (prefix === undefined) {
      prefixes.set(text, (prefix = new TrackedPrefix(text)));
      this.size++;
    }
    prefix.clients.add(client);
    client.prefixes.add(text);
  }

  removeAll(client: TrackedClient): void {
    for (const text of client.prefixes) {
      const prefixes = this.#byLength.get(text.length)!;
      const prefix = prefixes.get(text)!;
      prefix.clients.delete(client);
      if (prefix.clients.size > 0) continue;
      prefixes.delete(text);
      if (prefixes.size === 0) this.#byLength.delete(text.length);
      this.#changed.delete(prefix);
      this.size--;
    }
    client.prefixes.clear();
  }

  /** Notes the change with each prefix that the key has; returns how many keys the one with the most has to tell of. */
  keyChanged(key: string, by: TrackedClient | null): number {
    let most = 0;
    for (const [length, prefixes] of this.#byLength) {
      if (length > key.length) continue;
      const prefix = prefixes.get(length === 0 ? "" : key.slice(0, length));
      if (prefix === undefined) continue;
      const { changed } = prefix;
      changed.set(key, by);
      this.#changed.add(prefix);
      if (changed.size > most) most = changed.size;
    }
    return most;
  }

  /** Those that have changed keys, in their order; they are to be told of, and their `changed` emptied. */
  takeChanged(): TrackedPrefix[] {
    const taken = [...this.#changed].toSorted((one, other) => (one.text < other.text ? -1 : 1));
    this.#changed.clear();
    return taken;
  }
}
