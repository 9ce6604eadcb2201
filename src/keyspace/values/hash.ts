/**
 * Hashes in memory: fields with their values, packed in the entry of the key or in an element table.
 *
 * Not here: the journal and who is told of changes (hash-changes.ts), commands. Invariants: a hash is packed while it has
 * at most `packedCountMax` fields in `packedBytesMax` bytes, and never becomes packed again; the flag `beyondListpack` says
 * what redis would say of it. One object serves all hashes of a keyspace: what it has found is valid until the next call.
 */
import { copyBytes } from "../../base/bytes.ts";
import { ageUnit } from "../age.ts";
import type { KeyContent } from "../content.ts";
import { beyondListpack, largeLayout, valueType } from "../value-type.ts";
import { listpackEntriesMax, listpackValueMax, type KeyspaceBounds } from "../bounds.ts";
import type { ElementTable } from "./element-table.ts";
import {
  elementBytes,
  packedCount,
  PackedCursor,
  packedHeaderBytes,
  setPackedCount,
  writeElement,
} from "./packed.ts";

export class HashValues {
  readonly #bounds: KeyspaceBounds;
  readonly #cursor = new PackedCursor();
  /** The value that `get` or `next` found: `bytes[start, end)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** The field that `next` found, in the same bytes. */
  fieldStart = 0;
  fieldEnd = 0;
  /** Where the entry is after a change. */
  entry = 0;
  #at = 0;
  #until = 0;

  constructor(bounds: KeyspaceBounds) {
    this.#bounds = bounds;
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
    table.locate(entry);
    return packedCount(table.bytes, table.start);
  }

  /** Finds a field's value. */
  get(content: KeyContent, entry: number, field: Uint8Array, start: number, end: number): boolean {
    const { table } = content;
    if ((table.typeWord(entry) & largeLayout) !== 0) {
      const large = content.elementsOf(entry);
      const ref = large.find(large.hash(field, start, end), field, start, end);
      if (ref === 0) return false;
      large.locate(ref);
      this.bytes = large.bytes;
      this.start = large.start;
      this.end = large.end;
      return true;
    }
    table.locate(entry);
    const cursor = this.#cursor;
    const { bytes } = table;
    if (cursor.find(bytes, table.start + packedHeaderBytes, table.end, 2, field, start, end) < 0)
      return false;
    cursor.read(bytes, cursor.end);
    this.bytes = bytes;
    this.start = cursor.start;
    this.end = cursor.end;
    return true;
  }

  /** Goes to the front of a packed hash; `next` gives its fields in their order. Nothing may change meanwhile. */
  begin({ table }: KeyContent, entry: number): void {
    table.locate(entry);
    this.bytes = table.bytes;
    this.#at = table.start + packedHeaderBytes;
    this.#until = table.end;
  }

  next(): boolean {
    if (this.#at >= this.#until) return false;
    const cursor = this.#cursor;
    cursor.read(this.bytes, this.#at);
    this.fieldStart = cursor.start;
    this.fieldEnd = cursor.end;
    cursor.read(this.bytes, cursor.end);
    this.start = cursor.start;
    this.end = cursor.end;
    this.#at = cursor.end;
    return true;
  }

  /** Sets a field; says whether it is a new one. Its record stands at `position`, or later. */
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
  ): boolean {
    const { table } = content;
    this.entry = entry;
    const isLong = fieldEnd - fieldStart > listpackValueMax || end - start > listpackValueMax;
    if (isLong) content.addFlag(entry, beyondListpack);
    if (!content.isLarge(entry)) {
      table.locate(entry);
      const { bytes, start: from } = table;
      const size = table.end - from;
      const cursor = this.#cursor;
      const isThere =
        cursor.find(bytes, from + packedHeaderBytes, table.end, 2, field, fieldStart, fieldEnd) >= 0;
      const added = elementBytes(end - start);
      if (isThere) {
        const at = cursor.end;
        cursor.read(bytes, at);
        const before = cursor.end - at;
        if (size + added - before <= this.#bounds.packedBytesMax) {
          this.#resizePart(content, at - from, before, added);
          writeElement(table.bytes, table.start + at - from, value, start, end);
          return false;
        }
      } else {
        const count = packedCount(bytes, from) + 1;
        const grown = size + added + elementBytes(fieldEnd - fieldStart);
        if (count <= this.#bounds.packedCountMax && grown <= this.#bounds.packedBytesMax) {
          this.entry = table.resize(entry, grown, true);
          const valueAt = writeElement(table.bytes, table.start + size, field, fieldStart, fieldEnd);
          writeElement(table.bytes, valueAt, value, start, end);
          setPackedCount(table.bytes, table.start, count);
          return true;
        }
      }
      this.makeLarge(content, entry);
    }
    return this.#setLarge(content, position, field, fieldStart, fieldEnd, value, start, end);
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
  ): boolean {
    const large = content.elementsOf(this.entry);
    large.age = position;
    const hash = large.hash(field, fieldStart, fieldEnd);
    const ref = large.find(hash, field, fieldStart, fieldEnd);
    if (ref === 0) large.insert(hash, field, fieldStart, fieldEnd, end - start);
    else large.resize(hash, ref, field, fieldStart, fieldEnd, end - start);
    copyBytes(large.bytes, large.start, value, start, end);
    if (large.count > listpackEntriesMax) content.addFlag(this.entry, beyondListpack);
    return ref === 0;
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
      if (ref !== 0) large.remove(hash, ref);
      return ref !== 0;
    }
    const { table } = content;
    table.locate(entry);
    const from = table.start;
    const cursor = this.#cursor;
    const at = cursor.find(table.bytes, from + packedHeaderBytes, table.end, 2, field, start, end);
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
    while (this.next()) {
      const { fieldStart, fieldEnd, start, end } = this;
      large.insert(large.hash(bytes, fieldStart, fieldEnd), bytes, fieldStart, fieldEnd, end - start);
      copyBytes(large.bytes, large.start, bytes, start, end);
    }
    this.entry = content.setLarge(entry, large);
  }
}
