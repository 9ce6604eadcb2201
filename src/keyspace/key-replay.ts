/**
 * Applies what the keyspace wrote into the journal (key-records.ts), at start-up.
 *
 * Not here: where records come from. It needs no clock: a key whose time has come is found and removed later. Invariant: an
 * entry, and a segment of a large value, gets an age that is not above the position of the record that made it.
 */
import { ByteReader } from "../base/bytes.ts";
import { BrokerError } from "../base/errors.ts";
import { ageOf } from "./age.ts";
import type { KeyContent } from "./content.ts";
import { operation } from "./key-records.ts";
import { patchValue } from "./patch.ts";
import { largeLayout, valueType } from "./value-type.ts";
import type { HashValues } from "./values/hash.ts";

/** The databases as the replay sees them. */
export interface ReplayTarget {
  readonly hashes: HashValues;
  content(database: number): KeyContent;
  flushed(database: number): void;
  swapped(database: number, other: number): void;
}

/** Applies all records in `buffer[start, end)`. They stand at `position`. */
export function applyRecords(
  target: ReplayTarget,
  buffer: Buffer,
  start: number,
  end: number,
  position: number,
): void {
  const replay = new Replay(target, new ByteReader(buffer, start, end), position);
  while (replay.hasMore) replay.apply();
}

class Replay {
  readonly #target: ReplayTarget;
  readonly #reader: ByteReader;
  readonly #position: number;
  #content!: KeyContent;
  /** The key of the record, in the reader's buffer, and its entry or 0. */
  #keyStart = 0;
  #keyEnd = 0;
  #entry = 0;

  constructor(target: ReplayTarget, reader: ByteReader, position: number) {
    this.#target = target;
    this.#reader = reader;
    this.#position = position;
  }

  get hasMore(): boolean {
    return this.#reader.remaining > 0;
  }

  apply(): void {
    const reader = this.#reader;
    const code = reader.uint8();
    const database = reader.uint8();
    if (code === operation.flush) return this.#target.flushed(database);
    if (code === operation.swap) return this.#target.swapped(database, reader.uint8());
    this.#content = this.#target.content(database);
    this.#readKey();
    this.#applyToKey(code);
  }

  #readKey(): void {
    const reader = this.#reader;
    const length = reader.uint32();
    this.#keyStart = reader.skip(length);
    this.#keyEnd = this.#keyStart + length;
    const { table } = this.#content;
    const hash = table.hash(reader.buffer, this.#keyStart, this.#keyEnd);
    this.#entry = table.find(hash, reader.buffer, this.#keyStart, this.#keyEnd);
  }

  #applyToKey(code: number): void {
    const reader = this.#reader;
    const content = this.#content;
    const entry = this.#entry;
    switch (code) {
      case operation.set:
        return this.#set();
      case operation.delete:
        if (entry !== 0) content.remove(entry);
        return;
      case operation.expire: {
        const expiry = reader.float64();
        if (entry !== 0) content.table.setExpiry(entry, expiry);
        return;
      }
      case operation.patch: {
        const offset = reader.uint32();
        const size = reader.uint32();
        const from = reader.skip(size);
        if (entry !== 0) patchValue(content.table, entry, offset, reader.buffer, from, from + size);
        return;
      }
      case operation.setFields:
        return this.#setFields();
      case operation.removeFields:
        return this.#removeFields();
      case operation.head:
        return this.#head();
      case operation.rename:
      case operation.copy:
        return this.#named(code);
      default:
        throw new BrokerError("CORRUPT", `journal: a keyspace record of unknown operation ${code}`);
    }
  }

  #set(): void {
    const reader = this.#reader;
    const content = this.#content;
    const { table } = content;
    const word = this.#readType();
    const expiry = reader.float64();
    const size = reader.uint32();
    const from = reader.skip(size);
    const { buffer } = reader;
    let entry = this.#entry;
    if (entry === 0) {
      const hash = table.hash(buffer, this.#keyStart, this.#keyEnd);
      entry = table.insert(hash, buffer, this.#keyStart, this.#keyEnd, word, size);
    } else entry = content.replace(entry, word, size);
    buffer.copy(table.bytes, table.start, from, from + size);
    table.setExpiry(entry, expiry);
    table.setAge(entry, ageOf(this.#position));
  }

  /** A type word, packed. */
  #readType(): number {
    const type = this.#reader.uint8();
    return type | (this.#reader.uint8() << 16);
  }

  /** The entry of a hash of that key. One of another type is of a time whose records are gone. */
  #hashEntry(): number {
    const content = this.#content;
    if (this.#entry !== 0 && content.table.type(this.#entry) === valueType.hash) return this.#entry;
    if (this.#entry !== 0) content.remove(this.#entry);
    const { buffer } = this.#reader;
    return this.#target.hashes.create(content, buffer, this.#keyStart, this.#keyEnd, ageOf(this.#position));
  }

  #setFields(): void {
    const reader = this.#reader;
    const { buffer } = reader;
    const { hashes } = this.#target;
    let entry = this.#hashEntry();
    for (let left = reader.uint32(); left > 0; left--) {
      const fieldSize = reader.uint32();
      const field = reader.skip(fieldSize);
      const size = reader.uint32();
      const value = reader.skip(size);
      hashes.set(
        this.#content,
        entry,
        this.#position,
        buffer,
        field,
        field + fieldSize,
        buffer,
        value,
        value + size,
      );
      entry = hashes.entry;
    }
  }

  #removeFields(): void {
    const reader = this.#reader;
    const { hashes } = this.#target;
    const isHash = this.#entry !== 0 && this.#content.table.type(this.#entry) === valueType.hash;
    let entry = this.#entry;
    for (let left = reader.uint32(); left > 0; left--) {
      const size = reader.uint32();
      const field = reader.skip(size);
      if (!isHash) continue;
      hashes.remove(this.#content, entry, reader.buffer, field, field + size);
      entry = hashes.entry;
    }
  }

  #head(): void {
    const content = this.#content;
    const { table } = content;
    const { hashes } = this.#target;
    const word = this.#readType();
    const expiry = this.#reader.float64();
    let entry = this.#hashEntry();
    if (!content.isLarge(entry)) {
      hashes.makeLarge(content, entry);
      entry = hashes.entry;
    }
    table.setTypeWord(entry, word | largeLayout);
    table.setExpiry(entry, expiry);
    table.setAge(entry, ageOf(this.#position));
  }

  /** Where the value is missing, what has that name is replaced all the same: by elements that come later. */
  #named(code: number): void {
    const reader = this.#reader;
    const source = this.#content;
    const target = this.#target.content(reader.uint8());
    const size = reader.uint32();
    const key = reader.skip(size);
    const { buffer } = reader;
    if (this.#entry === 0) target.removeKey(buffer, key, key + size);
    else if (code === operation.rename) source.rename(this.#entry, target, buffer, key, key + size);
    else this.#copy(target, key, key + size);
  }

  #copy(target: KeyContent, start: number, end: number): void {
    const { hashes } = this.#target;
    let entry = this.#entry;
    // Of a value whose older records are gone there may be little yet.
    if (!this.#content.isLarge(entry)) {
      hashes.makeLarge(this.#content, entry);
      entry = hashes.entry;
    }
    this.#content.copyLarge(entry, target, this.#reader.buffer, start, end);
  }
}
