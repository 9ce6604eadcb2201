/**
 * The hash table of one database: from the bytes of a key to its entry, without an object for each key.
 *
 *     entry = i32 hash, i32 next entry of its bucket, i32 key length, i32 value length,
 *             i32 age, i32 kind, f64 expiry (wall time in ms, 0 for never), key bytes, value bytes
 *     kind  = u3 type | u1 layout << 3 | u4 flags << 4 | u24 use << 8       (value-type.ts, eviction/key-uses.ts)
 *
 * in a block of the arena, native byte order. The table grows one bucket at a time (linear hashing), so that no
 * insertion waits for a million others to be moved. Not here: time, the journal, what a command means.
 *
 * Scans go through the hashes in the order of their reversed bits. A bucket is a range of that order whatever the
 * table's size is, so a scan meets every entry that is there from its beginning to its end, however the table grows
 * or shrinks meanwhile; an entry may be met twice.
 *
 * Invariants: an entry is in the bucket of its hash; `bucketCount` buckets lie in [2^level, 2^(level+1)); an address
 * stays valid until its entry is removed, resized or moved by `moveSome`.
 */
import { assertInvariant, assertsAreOn } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import { Arena, byteOf, MemoryUse, wordOf } from "./arena.ts";
import { KeyUses } from "./eviction/key-uses.ts";
import { hashBytes } from "./hash-bytes.ts";

const headerBytes = 32;
const hashWord = 0;
const nextWord = 1;
const keyLengthWord = 2;
const valueLengthWord = 3;
const ageWord = 4;
const kindWord = 5;
const kindMask = 0xff;
const kindTypeMask = 0x07;
const useShift = 8;
const expiryDouble = 3;
const levelMin = 4;
/** Buckets that may be merged when a key is removed. */
const mergesForEach = 4;
/** From here on a value that grows gets an eighth more than it asked for, so that appending stays cheap. */
const spareFromBytes = 1024;

export class KeyTable {
  readonly #seed: number;
  readonly #arena: Arena;
  readonly #memory: MemoryUse;
  readonly #uses: KeyUses;
  #buckets = new Int32Array(1 << levelMin);
  #level = levelMin;
  #bucketCount = 1 << levelMin;
  count = 0;
  /** Entries with an expiry. */
  volatileCount = 0;
  /** Bytes of all keys, values and headers. */
  usedBytes = 0;
  /** Where the value is that `locate` or `locateKey` was asked for: `bytes[start, end)`. Valid until the next change. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  /** The seed keeps clients from choosing keys that share a bucket. */
  constructor(seed: number, memory: MemoryUse = new MemoryUse(), uses: KeyUses = new KeyUses()) {
    this.#seed = seed | 0;
    this.#memory = memory;
    this.#uses = uses;
    this.#arena = new Arena(memory);
    memory.bytes += this.#buckets.byteLength;
  }

  get arenaBytes(): number {
    return this.#arena.bytes + this.#buckets.byteLength;
  }

  /** Memory in use: of entries and buckets. */
  get liveBytes(): number {
    return this.#arena.liveBytes + this.#buckets.byteLength;
  }

  /** Bytes of all keys and values. */
  get dataBytes(): number {
    return this.usedBytes - this.count * headerBytes;
  }

  /** Gives all memory back at once: another table takes this one's place. */
  free(): void {
    this.#arena.free();
    this.#memory.bytes -= this.#buckets.byteLength;
  }

  hash(key: Uint8Array, start: number, end: number): number {
    return hashBytes(this.#seed, key, start, end);
  }

  #bucketOf(hash: number): number {
    const bucket = hash & ((2 << this.#level) - 1);
    return bucket < this.#bucketCount ? bucket : bucket - (1 << this.#level);
  }

  /** The entry of a key, or 0. */
  find(hash: number, key: Uint8Array, start: number, end: number): number {
    let entry = this.#buckets[this.#bucketOf(hash)]!;
    const size = end - start;
    while (entry !== 0) {
      const chunk = this.#arena.chunk(entry);
      const word = wordOf(entry);
      const words = chunk.words;
      if (words[word + hashWord] === hash && words[word + keyLengthWord] === size) {
        const bytes = chunk.bytes;
        let at = byteOf(entry) + headerBytes;
        let i = start;
        while (i < end && bytes[at] === key[i]) {
          at++;
          i++;
        }
        if (i === end) return entry;
      }
      entry = words[word + nextWord]!;
    }
    return 0;
  }

  /**
   * Makes an entry for a key that has none, and locates its value, whose `size` bytes the caller writes at once. `type` is a
   * type word. The key was used just now.
   */
  insert(hash: number, key: Uint8Array, start: number, end: number, type: number, size: number): number {
    const keyLength = end - start;
    const entry = this.#arena.allocate(headerBytes + keyLength + size);
    const chunk = this.#arena.chunk(entry);
    const word = wordOf(entry);
    const words = chunk.words;
    const bucket = this.#bucketOf(hash);
    words[word + hashWord] = hash;
    words[word + nextWord] = this.#buckets[bucket]!;
    words[word + keyLengthWord] = keyLength;
    words[word + valueLengthWord] = size;
    words[word + ageWord] = 0;
    words[word + kindWord] = kindOf(type) | this.#uses.fresh;
    chunk.doubles[(word >> 1) + expiryDouble] = 0;
    this.#buckets[bucket] = entry;
    const keyAt = byteOf(entry) + headerBytes;
    copyBytes(chunk.bytes, keyAt, key, start, end);
    this.bytes = chunk.bytes;
    this.start = keyAt + keyLength;
    this.end = this.start + size;
    this.count++;
    this.usedBytes += headerBytes + keyLength + size;
    if (this.count > this.#bucketCount) this.#split();
    if (assertsAreOn) this.#assertSound();
    return entry;
  }

  /**
   * Gives an entry's value another size, locates it and returns the entry's address, which may be another one.
   * With `keep` the bytes that are in both sizes stay; bytes beyond are the caller's to write.
   */
  resize(entry: number, size: number, keep: boolean): number {
    const arena = this.#arena;
    const chunk = arena.chunk(entry);
    const word = wordOf(entry);
    const keyLength = chunk.words[word + keyLengthWord]!;
    const before = chunk.words[word + valueLengthWord]!;
    const needed = headerBytes + keyLength + size;
    const capacity = chunk.blockBytes;
    let place = entry;
    if (needed > capacity || needed < capacity >> 1) {
      const isGrowing = keep && size > before && size >= spareFromBytes;
      place = this.#move(
        entry,
        headerBytes + keyLength + (keep ? Math.min(size, before) : 0),
        isGrowing ? needed + (needed >>> 3) : needed,
      );
    }
    const now = arena.chunk(place);
    now.words[wordOf(place) + valueLengthWord] = size;
    this.usedBytes += size - before;
    this.bytes = now.bytes;
    this.start = byteOf(place) + headerBytes + keyLength;
    this.end = this.start + size;
    return place;
  }

  #move(entry: number, copied: number, room: number): number {
    const arena = this.#arena;
    const place = arena.allocate(room);
    const from = byteOf(entry);
    const old = arena.chunk(entry);
    copyBytes(arena.chunk(place).bytes, byteOf(place), old.bytes, from, from + copied);
    this.#relink(entry, place);
    arena.release(entry);
    return place;
  }

  /** Has whatever points at `entry` point at `to`. */
  #relink(entry: number, to: number): void {
    const arena = this.#arena;
    const bucket = this.#bucketOf(arena.chunk(entry).words[wordOf(entry) + hashWord]!);
    let at = this.#buckets[bucket]!;
    if (at === entry) {
      this.#buckets[bucket] = to;
      return;
    }
    for (;;) {
      const words = arena.chunk(at).words;
      const word = wordOf(at) + nextWord;
      at = words[word]!;
      if (at === entry) {
        words[word] = to;
        return;
      }
    }
  }

  /** Memory of chunks that no entry is in. */
  get wastedBytes(): number {
    return this.#arena.wastedBytes;
  }

  /** Entries are to move together, so that memory is given back. Returns how many chunks may go. */
  beginMoving(): number {
    return this.#arena.beginLeaving();
  }

  /**
   * Moves up to `most` entries that `mayMove`, and tells where they are now. Returns how many it has looked at; 0: there are no
   * more.
   */
  moveSome(
    most: number,
    mayMove: (entry: number) => boolean,
    moved: (entry: number, place: number) => void,
  ): number {
    const found: number[] = [];
    const arena = this.#arena;
    if (!arena.nextLeaving(most, found)) return 0;
    for (const entry of found) {
      if (!mayMove(entry)) continue;
      const { words, blockBytes } = arena.chunk(entry);
      const word = wordOf(entry);
      const size = headerBytes + words[word + keyLengthWord]! + words[word + valueLengthWord]!;
      moved(entry, this.#move(entry, size, blockBytes));
    }
    if (assertsAreOn) this.#assertSound();
    return found.length;
  }

  endMoving(): void {
    this.#arena.endLeaving();
  }

  remove(entry: number): void {
    const chunk = this.#arena.chunk(entry);
    const word = wordOf(entry);
    const words = chunk.words;
    if (chunk.doubles[(word >> 1) + expiryDouble] !== 0) this.volatileCount--;
    this.usedBytes -= headerBytes + words[word + keyLengthWord]! + words[word + valueLengthWord]!;
    this.#relink(entry, words[word + nextWord]!);
    this.#arena.release(entry);
    this.count--;
    // As many as make the table no larger than its keys need by the time when they are gone, however many there were.
    for (let i = 0; i < mergesForEach && this.count < this.#bucketCount >> 2 && this.#level > levelMin; i++) {
      this.#merge();
    }
    if (assertsAreOn) this.#assertSound();
  }

  #assertSound(): void {
    const { count, volatileCount, usedBytes } = this;
    const buckets = this.#bucketCount;
    assertInvariant(
      buckets >= 1 << this.#level && buckets < 2 << this.#level && buckets <= this.#buckets.length,
      "bucketCount lies in [2^level, 2^(level+1))",
    );
    assertInvariant(
      count >= 0 && volatileCount >= 0 && volatileCount <= count && usedBytes >= count * headerBytes,
      "a table counts its entries, those that expire and their bytes",
    );
    assertInvariant(count > 0 || usedBytes === 0, "a table without keys uses no bytes");
  }

  /** Locates the value of an entry. */
  locate(entry: number): void {
    const chunk = this.#arena.chunk(entry);
    const word = wordOf(entry);
    this.bytes = chunk.bytes;
    this.start = byteOf(entry) + headerBytes + chunk.words[word + keyLengthWord]!;
    this.end = this.start + chunk.words[word + valueLengthWord]!;
  }

  /** Locates the key of an entry. */
  locateKey(entry: number): void {
    const chunk = this.#arena.chunk(entry);
    this.bytes = chunk.bytes;
    this.start = byteOf(entry) + headerBytes;
    this.end = this.start + chunk.words[wordOf(entry) + keyLengthWord]!;
  }

  valueLength(entry: number): number {
    return this.#arena.chunk(entry).words[wordOf(entry) + valueLengthWord]!;
  }

  hashOf(entry: number): number {
    return this.#arena.chunk(entry).words[wordOf(entry) + hashWord]!;
  }

  type(entry: number): number {
    return this.#arena.chunk(entry).words[wordOf(entry) + kindWord]! & kindTypeMask;
  }

  /** Type, layout and flags in one (value-type.ts). */
  typeWord(entry: number): number {
    return typeWordOf(this.#arena.chunk(entry).words[wordOf(entry) + kindWord]!);
  }

  setTypeWord(entry: number, word: number): void {
    const { words } = this.#arena.chunk(entry);
    const at = wordOf(entry) + kindWord;
    words[at] = (words[at]! & ~kindMask) | kindOf(word);
  }

  /** The key is used: the eviction goes by that. */
  touch(entry: number): void {
    const uses = this.#uses;
    const { words } = this.#arena.chunk(entry);
    const at = wordOf(entry) + kindWord;
    const word = words[at]!;
    words[at] =
      (word & kindMask) | (uses.isLfu ? uses.usedOnceMore(word >>> useShift) << useShift : uses.fresh);
  }

  /** When or how often the key was used: 24 bits, to which the policy gives meaning. */
  use(entry: number): number {
    return this.#arena.chunk(entry).words[wordOf(entry) + kindWord]! >>> useShift;
  }

  setUse(entry: number, use: number): void {
    const { words } = this.#arena.chunk(entry);
    const at = wordOf(entry) + kindWord;
    words[at] = (words[at]! & kindMask) | (use << useShift);
  }

  /** Memory of an entry, with its value unless that is a large one. */
  entryBytes(entry: number): number {
    return this.#arena.capacity(entry);
  }

  /** How far into the journal the entry's last full record is; the database gives it meaning. */
  age(entry: number): number {
    return this.#arena.chunk(entry).words[wordOf(entry) + ageWord]!;
  }

  setAge(entry: number, age: number): void {
    this.#arena.chunk(entry).words[wordOf(entry) + ageWord] = age;
  }

  /** When it expires, wall time in ms; 0 for never. */
  expiry(entry: number): number {
    return this.#arena.chunk(entry).doubles[(wordOf(entry) >> 1) + expiryDouble]!;
  }

  setExpiry(entry: number, at: number): void {
    const doubles = this.#arena.chunk(entry).doubles;
    const index = (wordOf(entry) >> 1) + expiryDouble;
    const before = doubles[index]!;
    if (before === at) return;
    if (before === 0) this.volatileCount++;
    else if (at === 0) this.volatileCount--;
    doubles[index] = at;
  }

  /**
   * Appends the entries of the bucket at `cursor` (reversed hash bits, below 2^32) to `found`; returns the cursor of the
   * next bucket, or 0 after the last.
   */
  scan(cursor: number, found: number[]): number {
    const bucket = this.#bucketOf(reverseBits(cursor));
    for (let entry = this.#buckets[bucket]!; entry !== 0;) {
      if (assertsAreOn)
        assertInvariant(
          this.#bucketOf(this.hashOf(entry)) === bucket,
          "an entry is in the bucket of its hash",
        );
      found.push(entry);
      entry = this.#arena.chunk(entry).words[wordOf(entry) + nextWord]!;
    }
    const half = 1 << this.#level;
    const bits = bucket >= half || bucket < this.#bucketCount - half ? this.#level + 1 : this.#level;
    const width = 2 ** (32 - bits);
    const next = (Math.floor(cursor / width) + 1) * width;
    return next >= 2 ** 32 ? 0 : next;
  }

  get bucketCount(): number {
    return this.#bucketCount;
  }

  /** Appends the entries of bucket `index` to `found`: for samples, in an order that changes with the table's size. */
  bucket(index: number, found: number[]): void {
    for (let entry = this.#buckets[index]!; entry !== 0;) {
      found.push(entry);
      entry = this.#arena.chunk(entry).words[wordOf(entry) + nextWord]!;
    }
  }

  /** One bucket more: the entries of the next one that shared a bucket part. */
  #split(): void {
    const half = 1 << this.#level;
    const from = this.#bucketCount - half;
    const to = this.#bucketCount;
    if (to === this.#buckets.length) {
      const grown = new Int32Array(to * 2);
      grown.set(this.#buckets);
      this.#memory.bytes += grown.byteLength - this.#buckets.byteLength;
      this.#buckets = grown;
    }
    const buckets = this.#buckets;
    const arena = this.#arena;
    let entry = buckets[from]!;
    let stay = 0;
    let go = 0;
    while (entry !== 0) {
      const words = arena.chunk(entry).words;
      const word = wordOf(entry);
      const next = words[word + nextWord]!;
      if ((words[word + hashWord]! & half) === 0) {
        words[word + nextWord] = stay;
        stay = entry;
      } else {
        words[word + nextWord] = go;
        go = entry;
      }
      entry = next;
    }
    buckets[from] = stay;
    buckets[to] = go;
    this.#bucketCount++;
    if (this.#bucketCount === half * 2) this.#level++;
  }

  /** The last bucket joins the one that it was split from. */
  #merge(): void {
    if (this.#bucketCount === 1 << this.#level) this.#level--;
    const from = --this.#bucketCount;
    const buckets = this.#buckets;
    const arena = this.#arena;
    const first = buckets[from]!;
    buckets[from] = 0;
    if (from <= buckets.length >> 2 && from >= 1 << levelMin) {
      this.#buckets = buckets.slice(0, from * 2);
      this.#memory.bytes -= buckets.byteLength - this.#buckets.byteLength;
    }
    if (first === 0) return;
    let last = first;
    for (;;) {
      const next = arena.chunk(last).words[wordOf(last) + nextWord]!;
      if (next === 0) break;
      last = next;
    }
    const to = from - (1 << this.#level);
    arena.chunk(last).words[wordOf(last) + nextWord] = this.#buckets[to]!;
    this.#buckets[to] = first;
  }
}

/** A type word in eight bits. */
function kindOf(word: number): number {
  const kind = (word & kindTypeMask) | ((word >> 5) & 0x08) | ((word >> 12) & 0xf0);
  if (assertsAreOn)
    assertInvariant(typeWordOf(kind) === word, "a type word has a type below 8 and flags below 16");
  return kind;
}

function typeWordOf(kind: number): number {
  return (kind & kindTypeMask) | ((kind & 0x08) << 5) | ((kind & 0xf0) << 12);
}

function reverseBits(value: number): number {
  let bits = value | 0;
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  return (bits >>> 16) | (bits << 16);
}
