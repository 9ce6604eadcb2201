/**
 * Hashes in memory: fields with their values, packed in the entry of the key or in an element table.
 *
 *     packed, some fields expire = u16 count, u16 spare, u48 earliest, count x (field, value)
 *                                  each value begins with u48 time; 0 for a field that does not expire
 *
 * Times are wall time in ms. `earliest` is not above any of them, so that a look at it tells mostly that nothing is due. Of a
 * large hash they are in a sorted set of their own (field-expiries.ts). A hash none of whose fields ever expired has neither.
 * Not here: the journal and who is told of changes (hash-changes.ts), what the time is, commands. Invariants: a hash is packed
 * while it has at most `packedCountMax` fields in `packedBytesMax` bytes, and never becomes packed again; the flag
 * `beyondListpack` says what redis would say of it; fields expire in hashes with the flag `expiringFields` only. One object serves
 * all hashes of a keyspace: what it has found is valid until the next call.
 */
import { copyBytes } from "../../base/bytes.ts";
import { ageUnit } from "../age.ts";
import type { KeyContent } from "../content.ts";
import { beyondListpack, expiringFields, largeLayout, valueType } from "../value-type.ts";
import { encodingBounds, type EncodingBounds, type KeyspaceBounds } from "../bounds.ts";
import type { ElementTable } from "./element-table.ts";
import {
  elementBytes,
  packedCount,
  PackedCursor,
  packedHeaderBytes,
  setPackedCount,
  writeElement,
  writeElementLength,
} from "./packed.ts";

/** Bytes of a time. */
const timeBytes = 6;
/** Where a packed hash has `earliest`. */
const earliestAt = packedHeaderBytes;
/** As `earliest`: no field expires. */
const never = 2 ** 48 - 1;

export class HashValues {
  readonly #bounds: KeyspaceBounds;
  readonly #encodings: Readonly<EncodingBounds>;
  readonly #cursor = new PackedCursor();
  /** The value that `get` or `next` found: `bytes[start, end)`. `nextDue` finds a field: `bytes[fieldStart, fieldEnd)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** The field that `next` found, in the same bytes. */
  fieldStart = 0;
  fieldEnd = 0;
  /** Where the entry is after a change. */
  entry = 0;
  /** When the field that `next` found expires; 0 for never. */
  expiry = 0;
  /** `count`, `get` and `next` pass over fields of packed hashes whose time is not after this; 0 outside of commands that keep what is due. */
  hiddenUntil = 0;
  #at = 0;
  #until = 0;
  /** Bytes of the times in the walk: 0 where fields do not expire. */
  #timed = 0;

  constructor(bounds: KeyspaceBounds, encodings: Readonly<EncodingBounds> = encodingBounds) {
    this.#bounds = bounds;
    this.#encodings = encodings;
  }

  /** Makes an empty hash for a key that has no entry: the caller fills it. */
  create({ table }: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    const entry = table.insert(
      table.hash(key, start, end),
      key,
      start,
      end,
      valueType.hash,
      packedHeaderBytes,
    );
    setPackedCount(table.bytes, table.start, 0);
    table.setAge(entry, age);
    return entry;
  }

  /** The elements of a large hash; null for a packed one. */
  tableOf(content: KeyContent, entry: number): ElementTable | null {
    return content.isLarge(entry) ? content.elementsOf(entry) : null;
  }

  count(content: KeyContent, entry: number): number {
    const large = this.tableOf(content, entry);
    if (large !== null) return large.count;
    const { table } = content;
    if (this.hiddenUntil !== 0 && timedOf(table.typeWord(entry)) !== 0)
      return this.#shownCount(content, entry);
    table.locate(entry);
    return packedCount(table.bytes, table.start);
  }

  #shownCount(content: KeyContent, entry: number): number {
    let count = 0;
    this.begin(content, entry);
    while (this.next()) count++;
    return count;
  }

  /** Finds a field's value. */
  get(content: KeyContent, entry: number, field: Uint8Array, start: number, end: number): boolean {
    const { table } = content;
    const word = table.typeWord(entry);
    if ((word & largeLayout) !== 0) {
      const large = content.elementsOf(entry);
      const ref = large.find(large.hash(field, start, end), field, start, end);
      if (ref === 0 || (large.expiries !== null && large.expiries.hides(field, start, end))) return false;
      large.locate(ref);
      this.bytes = large.bytes;
      this.start = large.start;
      this.end = large.end;
      return true;
    }
    table.locate(entry);
    const cursor = this.#cursor;
    const { bytes } = table;
    const timed = timedOf(word);
    if (cursor.find(bytes, table.start + packedHeaderBytes + timed, table.end, 2, field, start, end) < 0)
      return false;
    cursor.read(bytes, cursor.end);
    this.bytes = bytes;
    this.start = cursor.start + timed;
    this.end = cursor.end;
    return timed === 0 || !this.#isHidden(readTime(bytes, cursor.start));
  }

  /** When a field that is there expires, wall time in ms; 0 for never. */
  expiryOf(content: KeyContent, entry: number, field: Uint8Array, start: number, end: number): number {
    const word = content.table.typeWord(entry);
    if ((word & expiringFields) === 0) return 0;
    if ((word & largeLayout) !== 0) return content.elementsOf(entry).expiries?.of(field, start, end) ?? 0;
    return this.get(content, entry, field, start, end) ? readTime(this.bytes, this.start - timeBytes) : 0;
  }

  /** Goes to the front of a packed hash; `next` gives its fields in their order. Nothing may change meanwhile. */
  begin({ table }: KeyContent, entry: number): void {
    table.locate(entry);
    this.bytes = table.bytes;
    this.#timed = timedOf(table.typeWord(entry));
    this.#at = table.start + packedHeaderBytes + this.#timed;
    this.#until = table.end;
  }

  next(): boolean {
    while (this.#next()) if (!this.#isHidden(this.expiry)) return true;
    return false;
  }

  #isHidden(expiry: number): boolean {
    return expiry !== 0 && expiry <= this.hiddenUntil;
  }

  #next(): boolean {
    if (this.#at >= this.#until) return false;
    const cursor = this.#cursor;
    cursor.read(this.bytes, this.#at);
    this.fieldStart = cursor.start;
    this.fieldEnd = cursor.end;
    cursor.read(this.bytes, cursor.end);
    this.start = cursor.start + this.#timed;
    this.end = cursor.end;
    this.expiry = this.#timed === 0 ? 0 : readTime(this.bytes, cursor.start);
    this.#at = cursor.end;
    return true;
  }

  /**
   * Sets a field, to expire at that wall time, ms, or never (0); says whether it is a new one. Its record stands at `position`, or
   * later.
   */
  set(
    content: KeyContent,
    entry: number,
    position: number,
    field: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
    expiry = 0,
  ): boolean {
    const { table } = content;
    this.entry = entry;
    const valueBytesMax = this.#encodings.hashValueBytesMax;
    if (fieldEnd - fieldStart > valueBytesMax || end - start > valueBytesMax)
      content.addFlag(entry, beyondListpack);
    if (expiry !== 0) this.#makeExpiring(content, entry);
    const word = table.typeWord(this.entry);
    if ((word & largeLayout) === 0) {
      table.locate(this.entry);
      const { bytes, start: from } = table;
      const timed = timedOf(word);
      const size = table.end - from;
      const cursor = this.#cursor;
      const fields = from + packedHeaderBytes + timed;
      const isThere = cursor.find(bytes, fields, table.end, 2, field, fieldStart, fieldEnd) >= 0;
      const added = elementBytes(end - start + timed);
      if (isThere) {
        const at = cursor.end;
        cursor.read(bytes, at);
        const before = cursor.end - at;
        if (size + added - before <= this.#bounds.packedBytesMax) {
          this.#resizePart(content, at - from, before, added);
          this.#writeValue(content, table.start + at - from, expiry, value, start, end);
          this.#settleEncoding(content, packedCount(table.bytes, table.start));
          return false;
        }
      } else {
        const count = packedCount(bytes, from) + 1;
        const grown = size + added + elementBytes(fieldEnd - fieldStart);
        if (count <= this.#bounds.packedCountMax && grown <= this.#bounds.packedBytesMax) {
          this.entry = table.resize(this.entry, grown, true);
          const valueAt = writeElement(table.bytes, table.start + size, field, fieldStart, fieldEnd);
          this.#writeValue(content, valueAt, expiry, value, start, end);
          setPackedCount(table.bytes, table.start, count);
          this.#settleEncoding(content, count);
          return true;
        }
      }
      this.makeLarge(content, this.entry);
    }
    return this.#setLarge(content, position, field, fieldStart, fieldEnd, value, start, end, expiry);
  }

  #settleEncoding(content: KeyContent, count: number): void {
    if (count > this.#encodings.hashEntriesMax) content.addFlag(this.entry, beyondListpack);
  }

  /** Writes the value of a field into the located packed hash of `this.entry`. */
  #writeValue(
    { table }: KeyContent,
    at: number,
    expiry: number,
    value: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { bytes } = table;
    if (timedOf(table.typeWord(this.entry)) === 0) {
      writeElement(bytes, at, value, start, end);
      return;
    }
    const place = writeElementLength(bytes, at, end - start + timeBytes);
    writeTime(bytes, place, expiry);
    copyBytes(bytes, place + timeBytes, value, start, end);
    expectAt(bytes, table.start, expiry);
  }

  #setLarge(
    content: KeyContent,
    position: number,
    field: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
    expiry: number,
  ): boolean {
    const large = content.elementsOf(this.entry);
    large.age = position;
    const hash = large.hash(field, fieldStart, fieldEnd);
    const ref = large.find(hash, field, fieldStart, fieldEnd);
    if (ref === 0) large.insert(hash, field, fieldStart, fieldEnd, end - start);
    else large.resize(hash, ref, field, fieldStart, fieldEnd, end - start);
    copyBytes(large.bytes, large.start, value, start, end);
    this.#settleEncoding(content, large.count);
    let isNew = ref === 0;
    if (expiry !== 0) large.expiries ??= content.newFieldExpiries();
    const { expiries } = large;
    if (expiries !== null) {
      isNew ||= expiries.hides(field, fieldStart, fieldEnd);
      expiries.set(expiry, field, fieldStart, fieldEnd);
    }
    return isNew;
  }

  /** Has a field expire at that wall time, ms, or never (0); says whether it is there. */
  expire(
    content: KeyContent,
    entry: number,
    field: Uint8Array,
    start: number,
    end: number,
    at: number,
  ): boolean {
    this.entry = entry;
    if (!this.get(content, entry, field, start, end)) return false;
    if (at !== 0) this.#makeExpiring(content, entry);
    const large = this.tableOf(content, this.entry);
    if (large !== null) {
      if (at !== 0) large.expiries ??= content.newFieldExpiries();
      large.expiries?.set(at, field, start, end);
      return true;
    }
    const { table } = content;
    if (timedOf(table.typeWord(this.entry)) === 0) return true;
    this.get(content, this.entry, field, start, end);
    writeTime(this.bytes, this.start - timeBytes, at);
    expectAt(table.bytes, table.start, at);
    return true;
  }

  /** The fields of the hash of `entry` can expire from now on. */
  #makeExpiring(content: KeyContent, entry: number): void {
    const { table } = content;
    const word = table.typeWord(entry);
    this.entry = entry;
    if ((word & expiringFields) !== 0) return;
    if ((word & largeLayout) === 0) {
      let size = packedHeaderBytes + timeBytes;
      this.begin(content, entry);
      while (this.#next())
        size +=
          elementBytes(this.fieldEnd - this.fieldStart) + elementBytes(this.end - this.start + timeBytes);
      if (size <= this.#bounds.packedBytesMax) this.#addTimes(content, size);
      else this.makeLarge(content, entry);
    }
    content.seenFieldExpiries();
    content.addFlag(this.entry, expiringFields);
  }

  /** The packed hash of `this.entry` gets room for the times, which makes it that long. */
  #addTimes({ table }: KeyContent, size: number): void {
    const { bytes } = this;
    table.locate(this.entry);
    const before = Buffer.from(bytes.subarray(table.start, table.end));
    this.entry = table.resize(this.entry, size, false);
    const timed = table.bytes;
    let at = table.start + packedHeaderBytes + timeBytes;
    setPackedCount(timed, table.start, packedCount(before, 0));
    writeTime(timed, table.start + earliestAt, never);
    const cursor = this.#cursor;
    for (let from = packedHeaderBytes; from < before.length; from = cursor.end) {
      cursor.read(before, from);
      at = writeElement(timed, at, before, cursor.start, cursor.end);
      cursor.read(before, cursor.end);
      at = writeElementLength(timed, at, cursor.end - cursor.start + timeBytes);
      writeTime(timed, at, 0);
      copyBytes(timed, at + timeBytes, before, cursor.start, cursor.end);
      at += timeBytes + cursor.end - cursor.start;
    }
  }

  /**
   * Whether fields of a hash with the flag `expiringFields` are due at that time. From now on those of a large one are hidden: as
   * good as gone.
   */
  hasDue(content: KeyContent, entry: number, time: number): boolean {
    const large = this.tableOf(content, entry);
    if (large === null) {
      const { table } = content;
      table.locate(entry);
      return readTime(table.bytes, table.start + earliestAt) <= time;
    }
    if (large.expiries === null) return false;
    large.expiries.hiddenUntil = time;
    return large.expiries.hidesSome;
  }

  /** Finds a field that is due at that time, if there is one. */
  nextDue(content: KeyContent, entry: number, time: number): boolean {
    const large = this.tableOf(content, entry);
    if (large !== null) {
      const { expiries } = large;
      if (expiries === null || expiries.earliest > time) return false;
      expiries.first();
      this.bytes = expiries.bytes;
      this.fieldStart = expiries.start;
      this.fieldEnd = expiries.end;
      return true;
    }
    let earliest = never;
    this.begin(content, entry);
    const header = content.table.start;
    while (this.#next()) {
      if (this.expiry === 0) continue;
      if (this.expiry <= time) return true;
      earliest = Math.min(earliest, this.expiry);
    }
    writeTime(this.bytes, header + earliestAt, earliest);
    return false;
  }

  /** Whether a field is one of those that `hasDue` hid, and is there yet. */
  isHidden(content: KeyContent, entry: number, field: Uint8Array, start: number, end: number): boolean {
    const large = this.tableOf(content, entry);
    return large !== null && large.expiries !== null && large.expiries.hides(field, start, end);
  }

  /** Of the packed value of `this.entry`, the part at `offset` gets another size; its bytes are the caller's to write. */
  #resizePart({ table }: KeyContent, offset: number, before: number, size: number): void {
    const { bytes, start, end } = table;
    const total = end - start;
    if (size < before) bytes.copyWithin(start + offset + size, start + offset + before, end);
    if (size === before) return;
    this.entry = table.resize(this.entry, total + size - before, true);
    if (size > before) {
      const at = table.start + offset;
      table.bytes.copyWithin(at + size, at + before, table.start + total);
    }
  }

  /** Takes a field out; says whether it was there. An empty hash is the caller's to remove. */
  remove(content: KeyContent, entry: number, field: Uint8Array, start: number, end: number): boolean {
    this.entry = entry;
    const large = this.tableOf(content, entry);
    if (large !== null) {
      const hash = large.hash(field, start, end);
      const ref = large.find(hash, field, start, end);
      if (ref === 0) return false;
      large.remove(hash, ref);
      large.expiries?.set(0, field, start, end);
      return true;
    }
    const { table } = content;
    table.locate(entry);
    const from = table.start;
    const cursor = this.#cursor;
    const fields = from + packedHeaderBytes + timedOf(table.typeWord(entry));
    const at = cursor.find(table.bytes, fields, table.end, 2, field, start, end);
    if (at < 0) return false;
    cursor.read(table.bytes, cursor.end);
    setPackedCount(table.bytes, from, packedCount(table.bytes, from) - 1);
    this.#resizePart(content, at - from, cursor.end - at, 0);
    return true;
  }

  /** The packed hash of `entry` becomes a large one. Its elements were recorded when the entry was, or later. */
  makeLarge(content: KeyContent, entry: number): void {
    const { table } = content;
    const large = content.newElements();
    large.age = table.age(entry) * ageUnit;
    this.begin(content, entry);
    const { bytes } = this;
    while (this.#next()) {
      const { fieldStart, fieldEnd, start, end, expiry } = this;
      large.insert(large.hash(bytes, fieldStart, fieldEnd), bytes, fieldStart, fieldEnd, end - start);
      copyBytes(large.bytes, large.start, bytes, start, end);
      if (expiry !== 0)
        (large.expiries ??= content.newFieldExpiries()).set(expiry, bytes, fieldStart, fieldEnd);
    }
    this.entry = content.setLarge(entry, large);
  }
}

/** Bytes of a time in a packed hash of that type word: in its header, and in front of each value. */
function timedOf(word: number): number {
  return (word & expiringFields) === 0 ? 0 : timeBytes;
}

function readTime(bytes: Buffer, at: number): number {
  return bytes.readUIntLE(at, timeBytes);
}

function writeTime(bytes: Buffer, at: number, time: number): void {
  bytes.writeUIntLE(time, at, timeBytes);
}

/** A field of the packed hash at `start` expires at that time, or never (0). */
function expectAt(bytes: Buffer, start: number, time: number): void {
  if (time !== 0 && time < readTime(bytes, start + earliestAt)) writeTime(bytes, start + earliestAt, time);
}
