/**
 * Whether text that comes in pieces is UTF-8 (RFC 3629): a piece may end within a character.
 *
 * Invariants: what is kept between pieces is the beginning of one character, 3 bytes at most; what no text can begin with is
 * refused at its first wrong byte, in whatever pieces it comes.
 */
import { isUtf8 } from "node:buffer";

export class Utf8Check {
  /** The character that is not whole: its bytes so far, and how many it has in all. */
  readonly #part = Buffer.alloc(4);
  #partLength = 0;
  #partSize = 0;

  /** False: no text that begins so is UTF-8. */
  push(bytes: Uint8Array): boolean {
    let at = 0;
    while (this.#partLength > 0 && at < bytes.length) {
      this.#part[this.#partLength++] = bytes[at++]!;
      if (!this.#mayBecomeCharacter()) return false;
      if (this.#partLength === this.#partSize) this.#partLength = 0;
    }
    const end = Math.max(at, bytes.length - this.#tailLength(bytes, at));
    if (end > at && !isUtf8(bytes.subarray(at, end))) return false;
    for (let i = end; i < bytes.length; i++) this.#part[this.#partLength++] = bytes[i]!;
    return this.#partLength === 0 || this.#mayBecomeCharacter();
  }

  /** Filled up by bytes that may follow any beginning that is right. */
  #mayBecomeCharacter(): boolean {
    const part = this.#part;
    const first = part[0]!;
    for (let i = this.#partLength; i < this.#partSize; i++) part[i] = 0x80;
    if (this.#partLength === 1 && first === 0xe0) part[1] = 0xa0;
    if (this.#partLength === 1 && first === 0xf0) part[1] = 0x90;
    return isUtf8(part.subarray(0, this.#partSize));
  }

  /** The text ends here; false: within a character. The next text may begin. */
  end(): boolean {
    const isWhole = this.#partLength === 0;
    this.#partLength = 0;
    return isWhole;
  }

  /** How many bytes at the end begin a character that is not whole. */
  #tailLength(bytes: Uint8Array, from: number): number {
    for (let length = 1; length <= 3 && bytes.length - length >= from; length++) {
      const size = sizeOf(bytes[bytes.length - length]!);
      if (size === 0) continue;
      if (size <= length) return 0;
      this.#partSize = size;
      return length;
    }
    return 0;
  }
}

/** Bytes of the character that this byte begins; 0: it begins none. */
function sizeOf(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 0;
}
