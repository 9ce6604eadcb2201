/**
 * WATCH: which connections look at which keys, so that a change of one makes their next EXEC fail.
 *
 * Not here: noticing changes; whoever changes a key calls `keyChanged`. What other protocols append to a stream is
 * noticed at EXEC, by comparing the log with what it was (`KeyMark`). Invariant: a key is in the table exactly as
 * long as somebody watches it.
 */
import type { Queue } from "../../../broker/queue/queue.ts";

/** A watched key as it was: whether it was there, and for a stream what was in it. */
interface KeyMark {
  readonly exists: boolean;
  readonly queue: Queue | undefined;
  readonly nextOffset: number;
  readonly length: number;
}

/** What one connection watches. */
export class Watcher {
  isDirty = false;
  /** By `watchKey`. */
  readonly marks = new Map<string, KeyMark>();
}

function watchKey(database: number, key: string): string {
  return `${database} ${key}`;
}

/** Where the table looks keys up. */
export interface WatchedKeys {
  findStream(database: number, key: string): Queue | undefined;
  hasValue(database: number, key: string): boolean;
}

export class WatchTable {
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #keys: WatchedKeys;
  /** The size of `#watchers`, which each change of a value asks for: a map's own is ten times slower (measured). */
  #keyCount = 0;

  constructor(keys: WatchedKeys) {
    this.#keys = keys;
  }

  /** How many keys are watched by somebody. */
  get keyCount(): number {
    return this.#keyCount;
  }

  get isEmpty(): boolean {
    return this.#keyCount === 0;
  }

  watch(watcher: Watcher, database: number, key: string): void {
    const name = watchKey(database, key);
    if (watcher.marks.has(name)) return;
    watcher.marks.set(name, this.#mark(database, key));
    let watchers = this.#watchers.get(name);
    if (watchers === undefined) {
      this.#watchers.set(name, (watchers = new Set()));
      this.#keyCount++;
    }
    watchers.add(watcher);
  }

  #mark(database: number, key: string): KeyMark {
    const queue = this.#keys.findStream(database, key);
    if (queue === undefined)
      return { exists: this.#keys.hasValue(database, key), queue, nextOffset: 0, length: 0 };
    queue.log.store.seal();
    return { exists: true, queue, nextOffset: queue.log.nextOffset, length: queue.log.length };
  }

  unwatchAll(watcher: Watcher): void {
    for (const name of watcher.marks.keys()) {
      const watchers = this.#watchers.get(name);
      if (watchers === undefined || !watchers.delete(watcher) || watchers.size > 0) continue;
      this.#watchers.delete(name);
      this.#keyCount--;
    }
    watcher.marks.clear();
    watcher.isDirty = false;
  }

  keyChanged(database: number, key: string): void {
    for (const watcher of this.#watchers.get(watchKey(database, key)) ?? []) watcher.isDirty = true;
  }

  /** Whether anything that the connection watches has changed. */
  hasChanged(watcher: Watcher): boolean {
    if (watcher.isDirty) return true;
    for (const [name, before] of watcher.marks) {
      const blank = name.indexOf(" ");
      const now = this.#mark(Number(name.slice(0, blank)), name.slice(blank + 1));
      // A key whose time came meanwhile has changed too.
      if (
        now.exists !== before.exists ||
        now.queue !== before.queue ||
        now.nextOffset !== before.nextOffset ||
        now.length !== before.length
      )
        return true;
    }
    return false;
  }

  /**
   * All values of a database are gone, or others have taken their place (SWAPDB): those that were there, and those that are there now,
   * have changed. Of a stream, EXEC sees it by itself.
   */
  databaseChanged(database: number): void {
    const begin = `${database} `;
    for (const [name, watchers] of this.#watchers) {
      if (!name.startsWith(begin)) continue;
      const isThere = this.#keys.hasValue(database, name.slice(begin.length));
      for (const watcher of watchers) {
        const { exists, queue } = watcher.marks.get(name)!;
        if (isThere || (exists && queue === undefined)) watcher.isDirty = true;
      }
    }
  }
}
