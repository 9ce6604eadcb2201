/**
 * The elements of a list as bytes, one behind the other: packed in the entry of a small list, in a block of a large one.
 *
 *     element = length, bytes, length mirrored       length = u8 below 254; 254: u16 follows; 255: u32 follows
 *
 * Little-endian. The mirrored length has its bytes in reverse order, so that a walk from the end meets its mark first. Here is neither
 * where the bytes are nor how many elements there are. Nothing here allocates.
 */
import { copyBytes } from "../../../base/bytes.ts";

const shortMax = 253;
const mediumMark = 254;
const longMark = 255;

/** Bytes of an element of `size` bytes. */
export function listElementBytes(size: number): number {
  return size + 2 * (size <= shortMax ? 1 : size <= 0xffff ? 3 : 5);
}

/** Writes an element; returns where it ends. */
export function writeListElement(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  const size = end - start;
  const behind = at + listElementBytes(size);
  if (size <= shortMax) {
    target[at] = size;
    copyBytes(target, at + 1, source, start, end);
  } else {
    const lengthBytes = size <= 0xffff ? 2 : 4;
    const mark = lengthBytes === 2 ? mediumMark : longMark;
    target[at] = mark;
    for (let i = 0; i < lengthBytes; i++) {
      target[at + 1 + i] = size >>> (8 * i);
      target[behind - 2 - i] = size >>> (8 * i);
    }
    copyBytes(target, at + 1 + lengthBytes, source, start, end);
    target[behind - 1] = mark;
    return behind;
  }
  target[behind - 1] = size;
  return behind;
}

/** Walks elements, both ways. What it has read is `[start, end)`, the whole element `[from, until)`. */
export class ListCursor {
  from = 0;
  start = 0;
  end = 0;
  until = 0;

  /** Reads the element that begins at `at`. */
  read(bytes: Uint8Array, at: number): void {
    const mark = bytes[at]!;
    this.from = at;
    if (mark <= shortMax) {
      this.start = at + 1;
      this.end = at + 1 + mark;
      this.until = this.end + 1;
    } else if (mark === mediumMark) {
      this.start = at + 3;
      this.end = at + 3 + (bytes[at + 1]! | (bytes[at + 2]! << 8));
      this.until = this.end + 3;
    } else {
      this.start = at + 5;
      this.end =
        at + 5 + (bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24));
      this.until = this.end + 5;
    }
  }

  /** Reads the element that ends at `until`. */
  readBack(bytes: Uint8Array, until: number): void {
    const mark = bytes[until - 1]!;
    this.until = until;
    if (mark <= shortMax) {
      this.end = until - 1;
      this.start = this.end - mark;
      this.from = this.start - 1;
    } else if (mark === mediumMark) {
      this.end = until - 3;
      this.start = this.end - (bytes[until - 2]! | (bytes[until - 3]! << 8));
      this.from = this.start - 3;
    } else {
      this.end = until - 5;
      this.start =
        this.end -
        (bytes[until - 2]! |
          (bytes[until - 3]! << 8) |
          (bytes[until - 4]! << 16) |
          (bytes[until - 5]! << 24));
      this.from = this.start - 5;
    }
  }

  /** Whether what was read is `value[from, to)`. */
  equals(bytes: Uint8Array, value: Uint8Array, from: number, to: number): boolean {
    const { start } = this;
    const size = to - from;
    if (this.end - start !== size) return false;
    for (let i = 0; i < size; i++) if (bytes[start + i] !== value[from + i]) return false;
    return true;
  }

  /** Reads the element of that index, of `count` in `bytes[from, until)`, from the nearer end. */
  seek(bytes: Uint8Array, from: number, until: number, count: number, index: number): void {
    if (index * 2 <= count) {
      this.read(bytes, from);
      for (let left = index; left > 0; left--) this.read(bytes, this.until);
    } else {
      this.readBack(bytes, until);
      for (let left = count - 1 - index; left > 0; left--) this.readBack(bytes, this.from);
    }
  }

  /** Where the element of that index begins; `until` for that behind the last one. */
  placeOf(bytes: Uint8Array, from: number, until: number, count: number, index: number): number {
    if (index >= count) return until;
    if (index <= 0) return from;
    this.seek(bytes, from, until, count, index);
    return this.from;
  }
}
