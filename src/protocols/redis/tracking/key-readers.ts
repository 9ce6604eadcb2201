/**
 * Which connections have read which keys: keys by name, whatever their database, as redis has it.
 *
 * A packed table (keyspace/key-table.ts): the value of a key is the ids of its readers in order, eight bytes each, so there is no object for
 * a key or a reader. Not here: telling them, bounds. Invariants: an id stands once with a key; `items` is the number of ids of all keys.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Random } from "../../../base/random.ts";
import { KeyTable } from "../../../keyspace/key-table.ts";
import { valueType } from "../../../keyspace/value-type.ts";

const idBytes = 8;
const hashes = 2 ** 32;

export class KeyReaders {
  readonly #seed: number;
  #table: KeyTable;
  items = 0;
  readonly #found: number[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#table = new KeyTable(seed);
  }

  get count(): number {
    return this.#table.count;
  }

  get usedBytes(): number {
    return this.#table.usedBytes;
  }

  add(key: Uint8Array, start: number, end: number, id: number): void {
    const table = this.#table;
    const hash = table.hash(key, start, end);
    const entry = table.find(hash, key, start, end);
    if (entry === 0) {
      table.insert(hash, key, start, end, valueType.string, idBytes);
      table.bytes.writeDoubleLE(id, table.start);
      this.items++;
      return;
    }
    const at = this.#placeOf(entry, id);
    if (at < 0) return;
    const size = table.end - table.start;
    table.resize(entry, size + idBytes, true);
    const { bytes, start: from } = table;
    bytes.copyWithin(from + at + idBytes, from + at, from + size);
    bytes.writeDoubleLE(id, from + at);
    this.items++;
  }

  /** Where the id would stand, in bytes; -1 where it is. Locates the ids. */
  #placeOf(entry: number, id: number): number {
    const table = this.#table;
    table.locate(entry);
    const { bytes, start, end } = table;
    let low = 0;
    let high = (end - start) / idBytes;
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = bytes.readDoubleLE(start + middle * idBytes);
      if (found === id) return -1;
      if (found < id) low = middle + 1;
      else high = middle;
    }
    return low * idBytes;
  }

  /** Forgets a key, and appends its readers to `ids`. */
  take(key: Uint8Array, start: number, end: number, ids: number[]): void {
    const table = this.#table;
    const entry = table.find(table.hash(key, start, end), key, start, end);
    if (entry !== 0) this.#takeEntry(entry, ids);
  }

  /** The same for one of the keys, by chance; returns its name. There must be one. */
  takeAny(random: Random, ids: number[]): string {
    const table = this.#table;
    const found = this.#found;
    found.length = 0;
    for (let cursor = random.below(hashes); found.length === 0;) cursor = table.scan(cursor, found);
    const entry = found[random.below(found.length)]!;
    table.locateKey(entry);
    const key = table.bytes.latin1Slice(table.start, table.end);
    this.#takeEntry(entry, ids);
    return key;
  }

  #takeEntry(entry: number, ids: number[]): void {
    const table = this.#table;
    table.locate(entry);
    const { bytes, start, end } = table;
    for (let at = start; at < end; at += idBytes) ids.push(bytes.readDoubleLE(at));
    this.items -= (end - start) / idBytes;
    table.remove(entry);
    if (assertsAreOn)
      assertInvariant(this.items >= table.count, "each key that is remembered has a reader at least");
  }

  clear(): void {
    if (this.#table.count === 0) return;
    this.#table.free();
    this.#table = new KeyTable(this.#seed);
    this.items = 0;
  }
}
