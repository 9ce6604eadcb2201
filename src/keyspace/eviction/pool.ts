/**
 * The best keys to evict that samples have shown so far, the best last: what makes a few samples nearly as good as knowing all.
 *
 * It has copies of their names, since anything may happen to a key before it is taken. Not here: how good a key is. Invariant: the
 * scores ascend, and places from `size` on are free.
 */
import { copyBytes } from "../../base/bytes.ts";
import type { Database } from "../database.ts";

const placesMax = 16;
/** Room that a place keeps for names; a longer one is in a buffer of its own while it is here. */
const nameBytesKept = 256;

interface Place {
  readonly kept: Buffer;
  name: Buffer;
  length: number;
  database: Database | null;
  score: number;
}

export class EvictionPool {
  readonly #places: Place[] = Array.from({ length: placesMax }, () => {
    const kept = Buffer.alloc(nameBytesKept);
    return { kept, name: kept, length: 0, database: null, score: 0 };
  });
  size = 0;

  clear(): void {
    while (this.size > 0) this.#free(--this.size);
  }

  /** Takes an entry up if it is better than the worst, or there is room. */
  offer(database: Database, entry: number, score: number): void {
    const places = this.#places;
    let at = 0;
    while (at < this.size && places[at]!.score < score) at++;
    if (at === 0 && this.size === placesMax) return;
    // The free place behind the others, or that of the worst.
    let place: Place;
    if (this.size < placesMax) {
      place = places[this.size]!;
      for (let i = this.size++; i > at; i--) places[i] = places[i - 1]!;
    } else {
      place = places[0]!;
      at--;
      for (let i = 0; i < at; i++) places[i] = places[i + 1]!;
    }
    places[at] = place;
    place.score = score;
    place.database = database;
    setName(place, database, entry);
  }

  /** Takes the best key out and returns its entry, and its database in `taken`; 0 when there is none that still is. */
  take(): number {
    while (this.size > 0) {
      const at = this.size - 1;
      const { name, length, database } = this.#places[at]!;
      const { table } = database!;
      const entry = table.find(table.hash(name, 0, length), name, 0, length);
      this.taken = database;
      this.size--;
      this.#free(at);
      if (entry !== 0) return entry;
    }
    return 0;
  }

  taken: Database | null = null;

  #free(at: number): void {
    const place = this.#places[at]!;
    place.database = null;
    place.name = place.kept;
  }
}

function setName(place: Place, { table }: Database, entry: number): void {
  table.locateKey(entry);
  const length = table.end - table.start;
  place.length = length;
  place.name = length <= nameBytesKept ? place.kept : Buffer.allocUnsafeSlow(length);
  copyBytes(place.name, 0, table.bytes, table.start, table.end);
}
