/**
 * The elements of one large value, by their bytes: the fields of a hash with their values, the members of a set, the members
 * of a sorted set with their scores. No object for each element.
 *
 *     reference = u16 segment number << 16 | u16 offset in 4-byte steps; 0 is none
 *     segment   = a block of the arena with records appended: first 1 KiB, then about half of what is there, a power of two
 *                 up to 256 KiB; a record
 *                 that would fill half of one has a segment to itself
 *     record    = i32 key length (~length when dead), i32 payload length, key, payload, padded to 4
 *
 * A payload of the same size is overwritten in place; another one is a new record, and the old one is dead. A segment of which
 * more than half is dead is evacuated: what lives is appended again. So the memory is at most about twice what lives.
 * Each segment has an age, that of its oldest record, so that the cleaner can have the old ones written again, one at a time.
 *
 * Not here: the index (element-pages.ts), what a payload means, the journal. Invariants: every live record is in the index
 * once, under the hash of its key; a reference is valid until the next change of its table; `age` of a segment is not above
 * that of any record in it.
 */
import { sumOfMany } from "./sum-of-many.ts";
import { copyBytes } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { type Arena, type ArenaChunk, wordOf } from "../arena.ts";
import { hashBytes } from "../hash-bytes.ts";
import type { LargeValue, Usage } from "./large-value.ts";
import type { FieldExpiries } from "./field-expiries.ts";
import { ElementPages } from "./element-pages.ts";

export type Ref = number;

export interface TableOptions {
  readonly arena: Arena;
  readonly seed: number;
  readonly usage: Usage;
  /** Segments grow up to this; at most 256 KiB, which a reference can name. */
  readonly segmentBytesMax: number;
}

const recordHeaderBytes = 8;
const segmentBytesMin = 1 << 10;
export const segmentBytesMost = 1 << 18;
const segmentsMax = 1 << 16;
/** Cursors of `moveSome`: below are segments, from here on pages, and from there on the blocks of the expiries. */
const pagesFrom = segmentsMax;
const expiriesFrom = 2 ** 34;

class Segment {
  readonly number: number;
  address: number;
  chunk: ArenaChunk;
  /** Where it begins in the chunk's words. */
  word: number;
  /** Bytes; the next record goes behind them. */
  used = 0;
  dead = 0;
  age = 0;
  /** How far records may go. */
  readonly capacity: number;

  constructor(number: number, address: number, chunk: ArenaChunk) {
    this.number = number;
    this.address = address;
    this.chunk = chunk;
    this.word = wordOf(address);
    this.capacity = Math.min(chunk.blockBytes, segmentBytesMost);
  }
}

export class ElementTable implements LargeValue {
  readonly #arena: Arena;
  readonly #seed: number;
  readonly #segmentBytesMax: number;
  #usage: Usage;
  readonly #pages: ElementPages;
  /** By number; the first is none, so that no reference is 0. */
  readonly #segments: (Segment | null)[] = [null];
  readonly #freeNumbers: number[] = [];
  #open: Segment | null = null;
  /** Bytes of all segments' records, live and dead. */
  #usedBytes = 0;
  /** Bytes of the live ones. */
  liveBytes = 0;
  /** Of what is written from now on: the position of its record in the journal, or less. */
  age = 0;
  /** Of a hash: when its fields expire. Null while none ever had an expiry. It is copied and freed with the table. */
  expiries: FieldExpiries | null = null;
  /** Told when a record that lives moves. */
  onMove: ((from: Ref, to: Ref) => void) | null = null;
  /** Where `locate` or `locateKey` found what it was asked for: `bytes[start, end)`. Valid until the next change. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  #rewriteAt = 1;
  #freedAt = 1;

  constructor(
    { arena, seed, usage, segmentBytesMax }: TableOptions,
    pages: ElementPages = new ElementPages(arena),
  ) {
    this.#arena = arena;
    this.#seed = seed;
    this.#usage = usage;
    this.#segmentBytesMax = Math.min(segmentBytesMax, segmentBytesMost);
    this.#pages = pages;
  }

  get count(): number {
    return this.#pages.count;
  }

  get segmentCount(): number {
    return this.#segments.length - 1 - this.#freeNumbers.length;
  }

  /** For tests of what it takes. */
  get pageCount(): number {
    return this.#pages.pageCount;
  }

  get directorySize(): number {
    return 1 << this.#pages.depth;
  }

  /** Memory in blocks of the arena. */
  get heldBytes(): number {
    const segments = this.#segments;
    const bytes = sumOfMany(segments.length, (at) => segments[at]?.chunk.blockBytes ?? 0);
    return bytes + this.#pages.pageCount * 2048 + (this.expiries?.heldBytes ?? 0);
  }

  hash(key: Uint8Array, start: number, end: number): number {
    return hashBytes(this.#seed, key, start, end);
  }

  /** What it holds counts for another database from now on; the one before counts it no more. */
  moveUsage(to: Usage): void {
    to.bytes += this.liveBytes;
    this.#usage = to;
  }

  /** The element of a key, or 0. */
  find(hash: number, key: Uint8Array, start: number, end: number): Ref {
    const pages = this.#pages;
    for (let ref = pages.first(hash); ref !== 0; ref = pages.next()) {
      if (this.#isKey(ref, key, start, end)) return ref;
    }
    return 0;
  }

  #isKey(ref: Ref, key: Uint8Array, start: number, end: number): boolean {
    const segment = this.#segments[ref >>> 16]!;
    const word = segment.word + (ref & 0xffff);
    if (segment.chunk.words[word] !== end - start) return false;
    const { bytes } = segment.chunk;
    let at = (word << 2) + recordHeaderBytes;
    let i = start;
    while (i < end && bytes[at] === key[i]) {
      at++;
      i++;
    }
    return i === end;
  }

  /** Makes an element for a key that has none, and locates its payload, whose bytes the caller writes at once. */
  insert(hash: number, key: Uint8Array, start: number, end: number, payload: number): Ref {
    const ref = this.#append(key, start, end, payload, this.age);
    this.#pages.insert(hash, ref);
    this.#count(recordBytes(end - start, payload));
    this.locate(ref);
    return ref;
  }

  /**
   * Gives the element `ref` of that key a payload of another size, and locates it: its bytes are the caller's to write at
   * once. Returns where the element is now.
   */
  resize(hash: number, ref: Ref, key: Uint8Array, start: number, end: number, payload: number): Ref {
    this.locate(ref);
    const before = this.end - this.start;
    if (before === payload) return ref;
    const keyLength = end - start;
    const place = this.#append(key, start, end, payload, this.age);
    this.#pages.repoint(hash, ref, place);
    this.#count(recordBytes(keyLength, payload) - recordBytes(keyLength, before));
    const moved = this.#kill(ref, place);
    this.onMove?.(ref, moved);
    this.locate(moved);
    return moved;
  }

  remove(hash: number, ref: Ref): void {
    const segment = this.#segments[ref >>> 16]!;
    const word = segment.word + (ref & 0xffff);
    const size = recordBytes(segment.chunk.words[word]!, segment.chunk.words[word + 1]!);
    this.#pages.remove(hash, ref);
    this.#count(-size);
    this.#kill(ref, 0);
  }

  #count(bytes: number): void {
    this.liveBytes += bytes;
    this.#usage.bytes += bytes;
  }

  /** Marks a record that the index does not have as dead. `watched` is another one: returns where that is now. */
  #kill(ref: Ref, watched: Ref): Ref {
    const segment = this.#segments[ref >>> 16]!;
    const { words } = segment.chunk;
    const word = segment.word + (ref & 0xffff);
    const keyLength = words[word]!;
    words[word] = ~keyLength;
    segment.dead += recordBytes(keyLength, words[word + 1]!);
    if (segment.dead === segment.used && segment === this.#open) {
      this.#usedBytes -= segment.used;
      segment.used = 0;
      segment.dead = 0;
      return watched;
    }
    if (segment.dead * 2 <= segment.used) return watched;
    // The open one gets more yet.
    if (segment === this.#open && segment.used * 2 < segment.capacity) return watched;
    return this.#evacuate(segment, watched);
  }

  #evacuate(segment: Segment, watched: Ref): Ref {
    if (segment === this.#open) this.#open = null;
    const { bytes, words } = segment.chunk;
    let moved = watched;
    for (let at = 0; at < segment.used;) {
      const word = segment.word + (at >> 2);
      const isDead = words[word]! < 0;
      const keyLength = isDead ? ~words[word]! : words[word]!;
      const payload = words[word + 1]!;
      if (!isDead) {
        const from = (segment.number << 16) | (at >> 2);
        const key = (word << 2) + recordHeaderBytes;
        const to = this.#append(bytes, key, key + keyLength, payload, segment.age);
        this.locate(to);
        copyBytes(this.bytes, this.start, bytes, key + keyLength, key + keyLength + payload);
        this.#pages.repoint(this.hash(bytes, key, key + keyLength), from, to);
        words[word] = ~keyLength;
        if (from === watched) moved = to;
        else this.onMove?.(from, to);
      }
      at += recordBytes(keyLength, payload);
    }
    this.#free(segment);
    return moved;
  }

  #free(segment: Segment): void {
    this.#usedBytes -= segment.used;
    this.#segments[segment.number] = null;
    this.#freeNumbers.push(segment.number);
    this.#arena.release(segment.address);
  }

  /** Writes a record but for its payload. */
  #append(key: Uint8Array, start: number, end: number, payload: number, age: number): Ref {
    const keyLength = end - start;
    const size = recordBytes(keyLength, payload);
    const segment = this.#segmentFor(size);
    if (segment.used === 0 || age < segment.age) segment.age = age;
    const ref = (segment.number << 16) | (segment.used >> 2);
    const { words, bytes } = segment.chunk;
    const word = segment.word + (segment.used >> 2);
    words[word] = keyLength;
    words[word + 1] = payload;
    copyBytes(bytes, (word << 2) + recordHeaderBytes, key, start, end);
    segment.used += size;
    this.#usedBytes += size;
    return ref;
  }

  #segmentFor(size: number): Segment {
    const open = this.#open;
    if (open !== null && open.used + size <= open.capacity) return open;
    const half = Math.min(Math.max(this.#usedBytes / 2, segmentBytesMin), this.#segmentBytesMax);
    // Few sizes, so that the values of a keyspace share chunks of the arena.
    const grown = 1 << (31 - Math.clz32(half));
    if (size * 2 > grown) return this.#makeSegment(size);
    return (this.#open = this.#makeSegment(grown));
  }

  #makeSegment(size: number): Segment {
    const segments = this.#segments;
    if (this.#freeNumbers.length === 0 && segments.length === segmentsMax) {
      throw new BrokerError(
        "LIMIT",
        `a value of Redis has ${segmentsMax} segments already; spread it over several keys`,
      );
    }
    const address = this.#arena.allocate(size);
    const number = this.#freeNumbers.pop() ?? segments.length;
    return (segments[number] = new Segment(number, address, this.#arena.chunk(address)));
  }

  /** Locates the payload of an element. */
  locate(ref: Ref): void {
    const segment = this.#segments[ref >>> 16]!;
    const word = segment.word + (ref & 0xffff);
    this.bytes = segment.chunk.bytes;
    this.start = (word << 2) + recordHeaderBytes + segment.chunk.words[word]!;
    this.end = this.start + segment.chunk.words[word + 1]!;
  }

  /** Locates the key of an element. */
  locateKey(ref: Ref): void {
    const segment = this.#segments[ref >>> 16]!;
    const word = segment.word + (ref & 0xffff);
    this.bytes = segment.chunk.bytes;
    this.start = (word << 2) + recordHeaderBytes;
    this.end = this.start + segment.chunk.words[word]!;
  }

  /** See `ElementPages.scan`. */
  scan(cursor: number, wanted: number, found: Ref[]): number {
    return this.#pages.scan(cursor, wanted, found);
  }

  random(random: Random): Ref {
    return this.#pages.random(random);
  }

  /**
   * Calls `visit` for the live records of one segment whose age is below `age`. A rewritten record becomes as young as a new one.
   * Returns false if there is no such segment.
   */
  rewriteOlder(age: number, visit: (ref: Ref) => void): boolean {
    const segments = this.#segments;
    const from = this.#rewriteAt;
    for (let looked = 0; looked < segments.length; looked++) {
      const number = (from + looked) % segments.length;
      const segment = segments[number]!;
      if (segment === null || segment.used === 0 || segment.age >= age) continue;
      this.#rewriteAt = number + 1;
      this.#visit(segment, visit);
      segment.age = this.age;
      return true;
    }
    return false;
  }

  #visit(segment: Segment, visit: (ref: Ref) => void): void {
    const { words } = segment.chunk;
    for (let at = 0; at < segment.used;) {
      const word = segment.word + (at >> 2);
      const isDead = words[word]! < 0;
      if (!isDead) visit((segment.number << 16) | (at >> 2));
      at += recordBytes(isDead ? ~words[word]! : words[word]!, words[word + 1]!);
    }
  }

  /** The same elements with the same ages, under the same references, in a table of their own. Block by block: no hashing. */
  copy(usage: Usage): ElementTable {
    const arena = this.#arena;
    const copied = new ElementTable(
      { arena, seed: this.#seed, usage, segmentBytesMax: this.#segmentBytesMax },
      this.#pages.copy(),
    );
    for (const segment of this.#segments) {
      if (segment === null) continue;
      const address = arena.allocate(Math.max(segment.used, 1));
      const twin = new Segment(segment.number, address, arena.chunk(address));
      const from = segment.word << 2;
      copyBytes(twin.chunk.bytes, twin.word << 2, segment.chunk.bytes, from, from + segment.used);
      Object.assign(twin, { used: segment.used, dead: segment.dead, age: segment.age });
      copied.#segments[segment.number] = twin;
    }
    for (let number = 1; number < this.#segments.length; number++) {
      copied.#segments[number] ??= null;
      if (copied.#segments[number] === null) copied.#freeNumbers.push(number);
    }
    copied.#usedBytes = this.#usedBytes;
    copied.#count(this.liveBytes);
    copied.expiries = this.expiries?.copy() ?? null;
    return copied;
  }

  /** References stay as they are: they name segments by number. */
  moveSome(cursor: number, most: number): number {
    const segments = this.#segments;
    if (cursor < pagesFrom) {
      const end = Math.min(cursor + most, segments.length);
      for (let number = cursor; number < end; number++) this.#moveSegment(segments[number] ?? null);
      return end < segments.length ? end : pagesFrom;
    }
    if (cursor < expiriesFrom) {
      const next = this.#pages.moveSome(cursor - pagesFrom, most);
      if (next > 0) return pagesFrom + next;
      return this.expiries === null ? 0 : expiriesFrom;
    }
    const next = this.expiries?.moveSome(cursor - expiriesFrom, most) ?? 0;
    return next === 0 ? 0 : expiriesFrom + next;
  }

  #moveSegment(segment: Segment | null): void {
    const arena = this.#arena;
    if (segment === null || !arena.isLeaving(segment.address)) return;
    segment.address = arena.moveBlock(segment.address);
    segment.chunk = arena.chunk(segment.address);
    segment.word = wordOf(segment.address);
  }

  /** Releases up to `blocks` blocks of an unused table; returns how many, 0 if none is left. */
  freeSome(blocks: number): number {
    let freed = 0;
    const segments = this.#segments;
    for (; this.#freedAt < segments.length && freed < blocks; this.#freedAt++) {
      const segment = segments[this.#freedAt]!;
      if (segment === null) continue;
      this.#arena.release(segment.address);
      segments[this.#freedAt] = null;
      freed++;
    }
    freed += this.#pages.freeSome(blocks - freed);
    return freed + (this.expiries?.freeSome(blocks - freed) ?? 0);
  }
}

function recordBytes(keyLength: number, payload: number): number {
  return (recordHeaderBytes + keyLength + payload + 3) & ~3;
}
