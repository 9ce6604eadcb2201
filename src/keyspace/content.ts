/**
 * All keys of one database and their values, in memory: what FLUSHDB replaces and SWAPDB exchanges.
 *
 * It keeps entries and large values together: whoever removes, replaces or renames an entry does it here, so that no large
 * value is left behind or dropped twice. Not here: time, the journal, who watches (database.ts), what is in a collection
 * (values/). Invariant: each large entry holds the number of one large value, which knows the entry.
 */
import { assertInvariant, assertsAreOn } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { Arena, MemoryUse } from "./arena.ts";
import type { KeyUses } from "./eviction/key-uses.ts";
import { KeyTable } from "./key-table.ts";
import { largeLayout } from "./value-type.ts";
import { FieldExpiries } from "./values/field-expiries.ts";
import type { KeyspaceBounds } from "./bounds.ts";
import { BlockList } from "./values/list/block-list.ts";
import { ElementTable } from "./values/element-table.ts";
import type { LargeValue } from "./values/large-value.ts";
import type { Graves } from "./values/graves.ts";
import { LargeValues } from "./values/large-values.ts";

/** What the large values of all databases share. */
export interface ValueSpace {
  /** Memory of keys and values that is in use. */
  readonly memory: MemoryUse;
  readonly uses: KeyUses;
  readonly seed: number;
  readonly arena: Arena;
  readonly bounds: KeyspaceBounds;
  readonly graves: Graves;
  /** Something is in the graves. */
  buried(): void;
}

/** Bytes of a large value's number in its entry. */
const idBytes = 4;

export class KeyContent {
  readonly table: KeyTable;
  readonly values = new LargeValues();
  /** Where the sweep goes on, in the midst of a pass that has seen what lies before: it belongs to the keys, whichever database has them. */
  sweepCursor = 0;
  /** A hash may be among the values whose fields expire: the sweep looks for what is due. */
  hasFieldExpiries = false;
  #sawFieldExpiries = true;
  readonly #space: ValueSpace;

  constructor(space: ValueSpace) {
    this.#space = space;
    this.table = new KeyTable(space.seed, space.memory, space.uses);
  }

  /** A pass over all keys begins. The pass before it may have met no hash whose fields expire. */
  beginFieldSweep(): void {
    this.hasFieldExpiries &&= this.#sawFieldExpiries;
    this.#sawFieldExpiries = false;
  }

  /** The pass has met one, or one has come. */
  seenFieldExpiries(): void {
    this.hasFieldExpiries = true;
    this.#sawFieldExpiries = true;
  }

  isLarge(entry: number): boolean {
    return (this.table.typeWord(entry) & largeLayout) !== 0;
  }

  idOf(entry: number): number {
    const { table } = this;
    table.locate(entry);
    const { bytes, start } = table;
    // Numbers are far below 2^31: there is a large value for each.
    return bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 24);
  }

  largeOf(entry: number): LargeValue {
    return this.values.get(this.idOf(entry));
  }

  /** The large value of an entry whose type keeps it in an element table alone. */
  elementsOf(entry: number): ElementTable {
    const large = this.largeOf(entry);
    if (assertsAreOn) assertInvariant(large instanceof ElementTable, "a hash or a set is an element table");
    return large as ElementTable;
  }

  get arena(): Arena {
    return this.#space.arena;
  }

  newElements(): ElementTable {
    const { arena, seed, bounds } = this.#space;
    return new ElementTable({
      arena,
      seed,
      usage: this.values.usage,
      segmentBytesMax: bounds.segmentBytesMax,
    });
  }

  newFieldExpiries(): FieldExpiries {
    const { arena, seed, bounds } = this.#space;
    return new FieldExpiries({ arena, seed, segmentBytesMax: bounds.segmentBytesMax });
  }

  newBlockList(): BlockList {
    const { arena, bounds } = this.#space;
    return new BlockList({ arena, usage: this.values.usage, blockBytesMax: bounds.segmentBytesMax });
  }

  /** Gives back in slices what no key has. */
  bury(large: LargeValue): void {
    this.#space.graves.bury(large);
    this.#space.buried();
  }

  addFlag(entry: number, flag: number): void {
    const word = this.table.typeWord(entry);
    if ((word & flag) === 0) this.table.setTypeWord(entry, word | flag);
  }

  /** What was packed in an entry is in `large` now; returns where the entry is. */
  setLarge(entry: number, large: LargeValue): number {
    const { table, values } = this;
    const place = table.resize(entry, idBytes, false);
    table.bytes.writeUInt32LE(values.add(large, place), table.start);
    table.setTypeWord(place, table.typeWord(place) | largeLayout);
    return place;
  }

  /** The value of an entry goes, if it is a large one: another one takes its place, or the entry goes too. */
  dropLarge(entry: number): void {
    if (!this.isLarge(entry)) return;
    this.#space.graves.bury(this.values.take(this.idOf(entry)));
    this.#space.buried();
  }

  remove(entry: number): void {
    this.dropLarge(entry);
    this.table.remove(entry);
  }

  removeKey(key: Uint8Array, start: number, end: number): void {
    const entry = this.table.find(this.table.hash(key, start, end), key, start, end);
    if (entry !== 0) this.remove(entry);
  }

  /** Gives an entry another value, of that type word and size, and locates it; returns where the entry is. */
  replace(entry: number, word: number, size: number): number {
    const { table } = this;
    const before = table.typeWord(entry);
    if ((before & largeLayout) !== 0) this.dropLarge(entry);
    const place = table.resize(entry, size, false);
    if (word !== before) table.setTypeWord(place, word);
    return place;
  }

  /** Takes an entry with its value and expiry to another name, which is replaced; returns where it is. */
  rename(entry: number, target: KeyContent, key: Uint8Array, start: number, end: number): number {
    const { table, values } = this;
    target.removeKey(key, start, end);
    if (this.hasFieldExpiries) target.seenFieldExpiries();
    table.locate(entry);
    const { bytes, start: from, end: to } = table;
    const others = target.table;
    const place = others.insert(
      others.hash(key, start, end),
      key,
      start,
      end,
      table.typeWord(entry),
      to - from,
    );
    copyBytes(others.bytes, others.start, bytes, from, to);
    others.setExpiry(place, table.expiry(entry));
    others.setAge(place, table.age(entry));
    others.setUse(place, table.use(entry));
    if (this.isLarge(entry)) {
      const id = this.idOf(entry);
      if (target === this) values.setEntry(id, place);
      else {
        const large = values.take(id);
        large.moveUsage(target.values.usage);
        others.locate(place);
        others.bytes.writeUInt32LE(target.values.add(large, place), others.start);
      }
    }
    table.remove(entry);
    return place;
  }

  /** Copies a large entry with value, ages and expiry to another name, which is replaced; returns where the copy is. */
  copyLarge(entry: number, target: KeyContent, key: Uint8Array, start: number, end: number): number {
    const { table } = this;
    target.removeKey(key, start, end);
    if (this.hasFieldExpiries) target.seenFieldExpiries();
    const large = this.largeOf(entry).copy(target.values.usage);
    const others = target.table;
    const word = table.typeWord(entry);
    const place = others.insert(others.hash(key, start, end), key, start, end, word, idBytes);
    others.bytes.writeUInt32LE(target.values.add(large, place), others.start);
    others.setExpiry(place, table.expiry(entry));
    others.setAge(place, table.age(entry));
    return place;
  }

  /** Moves some entries together; see `KeyTable.moveSome`. */
  moveSome(most: number, mayMove: (entry: number) => boolean): number {
    return this.table.moveSome(most, mayMove, this.#moved);
  }

  readonly #moved = (_entry: number, place: number): void => {
    if (this.isLarge(place)) this.values.setEntry(this.idOf(place), place);
  };

  /** Gives everything back: entries at once, large values in slices. Another content takes this one's place. */
  free(): void {
    this.table.free();
    this.#space.graves.buryAll(this.values.takeAll());
    this.#space.buried();
  }
}
