/**
 * The elements of a small collection, packed in its entry.
 *
 *     packed  = u16 count, u16 spare, elements
 *     element = length, bytes          length = u8 below 254; 254: u16 follows; 255: u32 follows
 *
 * Little-endian, so that a byte at a time is read in order. What an element is, and what `count` counts, is the type's
 * business: a hash has a field, then its value, and counts pairs. Lookups compare byte by byte: for the few elements that
 * there are, a call of the runtime for each would cost three times as much (measured).
 * Not here: where the bytes are. Nothing here allocates.
 */
import { copyBytes } from "../../base/bytes.ts";

export const packedHeaderBytes = 4;
const shortMax = 253;
const mediumMark = 254;
const longMark = 255;

/** Bytes of an element of `size` bytes. */
export function elementBytes(size: number): number {
  return size + (size <= shortMax ? 1 : size <= 0xffff ? 3 : 5);
}

/** Writes an element; returns where it ends. */
export function writeElement(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  const place = writeElementLength(target, at, end - start);
  copyBytes(target, place, source, start, end);
  return place + end - start;
}

/** Begins an element of `size` bytes; returns where they go. */
export function writeElementLength(target: Uint8Array, at: number, size: number): number {
  let place = at;
  if (size <= shortMax) target[place++] = size;
  else if (size <= 0xffff) {
    target[place] = mediumMark;
    target[place + 1] = size;
    target[place + 2] = size >>> 8;
    place += 3;
  } else {
    target[place] = longMark;
    target[place + 1] = size;
    target[place + 2] = size >>> 8;
    target[place + 3] = size >>> 16;
    target[place + 4] = size >>> 24;
    place += 5;
  }
  return place;
}

export function packedCount(bytes: Uint8Array, start: number): number {
  return bytes[start]! | (bytes[start + 1]! << 8);
}

export function setPackedCount(bytes: Uint8Array, start: number, count: number): void {
  bytes[start] = count;
  bytes[start + 1] = count >>> 8;
  bytes[start + 2] = 0;
  bytes[start + 3] = 0;
}

/** Walks elements: after `read(at)` the element's bytes are `[start, end)`, and the next one begins at `end`. */
export class PackedCursor {
  start = 0;
  end = 0;

  read(bytes: Uint8Array, at: number): void {
    const mark = bytes[at]!;
    if (mark <= shortMax) {
      this.start = at + 1;
      this.end = at + 1 + mark;
    } else if (mark === mediumMark) {
      this.start = at + 3;
      this.end = at + 3 + (bytes[at + 1]! | (bytes[at + 2]! << 8));
    } else {
      this.start = at + 5;
      const size = bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24);
      this.end = at + 5 + size;
    }
  }

  /**
   * Finds an element among those that begin at `from`, of which every `stride`th is looked at; it is in `[start, end)`
   * then. Returns where its length is, or -1.
   */
  find(
    bytes: Uint8Array,
    from: number,
    until: number,
    stride: 1 | 2,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
  ): number {
    const size = keyEnd - keyStart;
    const first = size === 0 ? 0 : key[keyStart]!;
    for (let at = from; at < until;) {
      this.read(bytes, at);
      const { start, end } = this;
      if (end - start === size && (size === 0 || bytes[start] === first)) {
        let i = 1;
        while (i < size && bytes[start + i] === key[keyStart + i]) i++;
        if (i >= size) return at;
      }
      at = end;
      if (stride === 2) {
        this.read(bytes, at);
        at = this.end;
      }
    }
    return -1;
  }
}
