/**
 * Sets in memory: members, packed in the entry of the key or in an element table without payloads.
 *
 * A set is an intset while the flag `beyondIntset` is not set: redis keeps such a set as sorted integers, and its clients see
 * that. So a packed intset is in the order of its integers; `next` gives it so, and `orderedRefs` the larger ones.
 * Not here: the journal and who is told of changes (set-changes.ts), commands. Invariants: a set is packed while it has at
 * most `packedCountMax` members in `packedBytesMax` bytes, and never becomes packed again; an intset has integers alone, at
 * most `encodings.intsetEntriesMax`. One object serves all sets of a keyspace: what it has found is valid until the next call, but that
 * members of other sets may be looked up, added and removed during a walk (`begin`, `next`).
 */
import { copyBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/random.ts";
import { ageUnit } from "../age.ts";
import { encodingBounds, type EncodingBounds, type KeyspaceBounds } from "../bounds.ts";
import type { KeyContent } from "../content.ts";
import { beyondIntset, largeLayout, valueType } from "../value-type.ts";
import type { ElementTable, Ref } from "./element-table.ts";
import { compareIntegers, isInteger } from "./integer-text.ts";
import {
  elementBytes,
  packedCount,
  PackedCursor,
  packedHeaderBytes,
  setPackedCount,
  writeElement,
} from "./packed.ts";

export class SetValues {
  readonly #bounds: KeyspaceBounds;
  readonly #encodings: Readonly<EncodingBounds>;
  readonly #cursor = new PackedCursor();
  readonly #walk = new PackedCursor();
  /** The member that `next` or `pick` found: `bytes[start, end)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Where the entry is after a change. */
  entry = 0;
  #at = 0;
  #until = 0;

  constructor(bounds: KeyspaceBounds, encodings: Readonly<EncodingBounds> = encodingBounds) {
    this.#bounds = bounds;
    this.#encodings = encodings;
  }

  /** Makes an empty set for a key that has no entry: the caller fills it. */
  create({ table }: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    const entry = table.insert(
      table.hash(key, start, end),
      key,
      start,
      end,
      valueType.set,
      packedHeaderBytes,
    );
    setPackedCount(table.bytes, table.start, 0);
    table.setAge(entry, age);
    return entry;
  }

  /** The elements of a large set; null for a packed one. */
  tableOf(content: KeyContent, entry: number): ElementTable | null {
    return content.isLarge(entry) ? content.elementsOf(entry) : null;
  }

  count(content: KeyContent, entry: number): number {
    const large = this.tableOf(content, entry);
    if (large !== null) return large.count;
    const { table } = content;
    table.locate(entry);
    return packedCount(table.bytes, table.start);
  }

  /** Bytes of its members, roughly. */
  memberBytes(content: KeyContent, entry: number): number {
    return this.tableOf(content, entry)?.liveBytes ?? content.table.valueLength(entry);
  }

  isIntset({ table }: KeyContent, entry: number): boolean {
    return (table.typeWord(entry) & beyondIntset) === 0;
  }

  has(content: KeyContent, entry: number, member: Uint8Array, start: number, end: number): boolean {
    const { table } = content;
    if ((table.typeWord(entry) & largeLayout) !== 0) {
      const large = content.elementsOf(entry);
      return large.find(large.hash(member, start, end), member, start, end) !== 0;
    }
    table.locate(entry);
    return (
      this.#cursor.find(table.bytes, table.start + packedHeaderBytes, table.end, 1, member, start, end) >= 0
    );
  }

  /** Goes to the front of a packed set; `next` gives its members in their order. It must not change meanwhile. */
  begin({ table }: KeyContent, entry: number): void {
    table.locate(entry);
    this.bytes = table.bytes;
    this.#at = table.start + packedHeaderBytes;
    this.#until = table.end;
  }

  next(): boolean {
    if (this.#at >= this.#until) return false;
    const walk = this.#walk;
    walk.read(this.bytes, this.#at);
    this.start = walk.start;
    this.end = walk.end;
    this.#at = walk.end;
    return true;
  }

  /** Finds one of the members of a set, each with the same chance. */
  pick(content: KeyContent, entry: number, random: Random): void {
    const large = this.tableOf(content, entry);
    if (large !== null) {
      large.locateKey(large.random(random));
      this.bytes = large.bytes;
      this.start = large.start;
      this.end = large.end;
      return;
    }
    this.begin(content, entry);
    for (
      let left = random.below(packedCount(this.bytes, this.#at - packedHeaderBytes));
      this.next() && left > 0;
      left--
    );
  }

  /** Adds a member; says whether it is a new one. Its record stands at `position`, or later. */
  add(
    content: KeyContent,
    entry: number,
    position: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const { table } = content;
    this.entry = entry;
    const word = table.typeWord(entry);
    let isIntset = (word & beyondIntset) === 0;
    if (isIntset && !isInteger(member, start, end)) {
      table.setTypeWord(entry, word | beyondIntset);
      isIntset = false;
    }
    if ((word & largeLayout) === 0) {
      table.locate(entry);
      const { bytes, start: from, end: until } = table;
      const at = isIntset
        ? this.#placeOf(bytes, from + packedHeaderBytes, until, member, start, end)
        : this.#endOf(bytes, from + packedHeaderBytes, until, member, start, end);
      if (at < 0) return false;
      const count = packedCount(bytes, from) + 1;
      const added = elementBytes(end - start);
      const grown = until - from + added;
      if (count <= this.#bounds.packedCountMax && grown <= this.#bounds.packedBytesMax) {
        const offset = at - from;
        this.entry = table.resize(entry, grown, true);
        const place = table.start + offset;
        if (at < until) table.bytes.copyWithin(place + added, place, table.end - added);
        writeElement(table.bytes, place, member, start, end);
        setPackedCount(table.bytes, table.start, count);
        if (count > this.#encodings.intsetEntriesMax) content.addFlag(this.entry, beyondIntset);
        return true;
      }
      this.makeLarge(content, entry);
    }
    return this.#addLarge(content, position, member, start, end);
  }

  /** Where an integer belongs among the packed ones; -1 where it is there. */
  #placeOf(
    bytes: Uint8Array,
    from: number,
    until: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): number {
    const cursor = this.#cursor;
    for (let at = from; at < until; at = cursor.end) {
      cursor.read(bytes, at);
      const order = compareIntegers(bytes, cursor.start, cursor.end, member, start, end);
      if (order >= 0) return order === 0 ? -1 : at;
    }
    return until;
  }

  /** Behind all packed members; -1 where it is there. */
  #endOf(
    bytes: Uint8Array,
    from: number,
    until: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): number {
    return this.#cursor.find(bytes, from, until, 1, member, start, end) < 0 ? until : -1;
  }

  #addLarge(content: KeyContent, position: number, member: Uint8Array, start: number, end: number): boolean {
    const large = content.elementsOf(this.entry);
    const hash = large.hash(member, start, end);
    if (large.find(hash, member, start, end) !== 0) return false;
    large.age = position;
    large.insert(hash, member, start, end, 0);
    if (large.count > this.#encodings.intsetEntriesMax) content.addFlag(this.entry, beyondIntset);
    return true;
  }

  /** Takes a member out; says whether it was there. An empty set is the caller's to remove. */
  remove(content: KeyContent, entry: number, member: Uint8Array, start: number, end: number): boolean {
    this.entry = entry;
    const large = this.tableOf(content, entry);
    if (large !== null) {
      const hash = large.hash(member, start, end);
      const ref = large.find(hash, member, start, end);
      if (ref !== 0) large.remove(hash, ref);
      return ref !== 0;
    }
    const { table } = content;
    table.locate(entry);
    const { bytes, start: from, end: until } = table;
    const cursor = this.#cursor;
    const at = cursor.find(bytes, from + packedHeaderBytes, until, 1, member, start, end);
    if (at < 0) return false;
    setPackedCount(bytes, from, packedCount(bytes, from) - 1);
    bytes.copyWithin(at, cursor.end, until);
    this.entry = table.resize(entry, until - from - (cursor.end - at), true);
    return true;
  }

  /** The packed set of `entry` becomes a large one. Its members were recorded when the entry was, or later. */
  makeLarge(content: KeyContent, entry: number): void {
    const { table } = content;
    const large = content.newElements();
    large.age = table.age(entry) * ageUnit;
    table.locate(entry);
    const { bytes, start, end } = table;
    const cursor = this.#cursor;
    for (let at = start + packedHeaderBytes; at < end; at = cursor.end) {
      cursor.read(bytes, at);
      large.insert(large.hash(bytes, cursor.start, cursor.end), bytes, cursor.start, cursor.end, 0);
    }
    this.entry = content.setLarge(entry, large);
  }

  /**
   * What redis has when it makes a set anew of the same members: an intset again, where they are integers and few enough.
   * Says whether it is one now and was none.
   */
  remake(content: KeyContent, entry: number): boolean {
    if (this.isIntset(content, entry) || this.count(content, entry) > this.#encodings.intsetEntriesMax)
      return false;
    const large = this.tableOf(content, entry);
    const isDone = large === null ? this.#sortPacked(content, entry) : hasIntegersOnly(large);
    if (!isDone) return false;
    const { table } = content;
    table.setTypeWord(entry, table.typeWord(entry) & ~beyondIntset);
    return true;
  }

  /** Puts packed members into the order of an intset; false where they are not integers. */
  #sortPacked(content: KeyContent, entry: number): boolean {
    const members: Buffer[] = [];
    this.begin(content, entry);
    const { bytes } = this;
    let at = this.#at;
    while (this.next()) {
      if (!isInteger(bytes, this.start, this.end)) return false;
      members.push(Buffer.from(bytes.subarray(this.start, this.end)));
    }
    members.sort((a, b) => compareIntegers(a, 0, a.length, b, 0, b.length));
    for (const member of members) at = writeElement(bytes, at, member, 0, member.length);
    return true;
  }
}

/** The members of a large intset in their order. */
export function orderedRefs(table: ElementTable): Ref[] {
  const refs: Ref[] = [];
  table.scan(0, Infinity, refs);
  return refs.toSorted((a, b) => {
    table.locateKey(a);
    const { bytes, start, end } = table;
    table.locateKey(b);
    return compareIntegers(bytes, start, end, table.bytes, table.start, table.end);
  });
}

function hasIntegersOnly(table: ElementTable): boolean {
  const refs: Ref[] = [];
  table.scan(0, Infinity, refs);
  return refs.every((ref) => {
    table.locateKey(ref);
    return isInteger(table.bytes, table.start, table.end);
  });
}

/** Bytes of a member that outlive changes of its set, in memory that is used again. */
export class MemberCopy {
  bytes: Buffer = Buffer.allocUnsafeSlow(64);
  size = 0;

  set(bytes: Uint8Array, start: number, end: number): void {
    this.size = end - start;
    if (this.size > this.bytes.length || this.bytes.length > copyBytesKept)
      this.bytes = Buffer.allocUnsafeSlow(Math.max(this.size, 64));
    copyBytes(this.bytes, 0, bytes, start, end);
  }
}

const copyBytesKept = 64 << 10;
