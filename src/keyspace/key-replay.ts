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
import { operation, partOf } from "./key-records.ts";
import { patchValue } from "./patch.ts";
import { hasExpiringFields, largeLayout } from "./value-type.ts";
import type { ValueKind, ValueKinds } from "./values/value-kind.ts";

/** The databases as the replay sees them. */
export interface ReplayTarget {
  readonly kinds: ValueKinds;
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
      case operation.head:
        return this.#head();
      case operation.rename:
      case operation.copy:
        return this.#named(code);
      default:
        return this.#part(code);
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
    const word = type | (this.#reader.uint8() << 16);
    if (hasExpiringFields(word)) this.#content.seenFieldExpiries();
    return word;
  }

  #part(code: number): void {
    const { kind, part } = partOf(this.#target.kinds, code);
    const entry = part.makesValue ? this.#entryOf(kind) : this.#entry;
    if (entry === 0 || this.#content.table.type(entry) !== kind.type) part.skip(this.#reader);
    else part.apply(this.#content, entry, this.#reader, this.#position);
  }

  /** The entry of a value of that kind. One of another type is of a time whose records are gone. */
  #entryOf(kind: ValueKind): number {
    const content = this.#content;
    if (this.#entry !== 0 && content.table.type(this.#entry) === kind.type) return this.#entry;
    if (this.#entry !== 0) content.remove(this.#entry);
    const { buffer } = this.#reader;
    return kind.create(content, buffer, this.#keyStart, this.#keyEnd, ageOf(this.#position));
  }

  #kindOf(type: number): ValueKind {
    const kind = this.#target.kinds.ofType(type);
    if (kind === undefined)
      throw new BrokerError("CORRUPT", `journal: a large value of unknown type ${type}`);
    return kind;
  }

  #head(): void {
    const content = this.#content;
    const { table } = content;
    const word = this.#readType();
    const expiry = this.#reader.float64();
    const kind = this.#kindOf(word & 0xff);
    let entry = this.#entryOf(kind);
    if (!content.isLarge(entry)) entry = kind.makeLarge(content, entry);
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
    const content = this.#content;
    let entry = this.#entry;
    // Of a value whose older records are gone there may be little yet.
    if (!content.isLarge(entry)) entry = this.#kindOf(content.table.type(entry)).makeLarge(content, entry);
    content.copyLarge(entry, target, this.#reader.buffer, start, end);
  }
}
