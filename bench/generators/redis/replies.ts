/**
 * Counts replies without looking at more than their lengths, in chunks cut anywhere.
 *
 *     reply := ("+" | "-" | ":") text CRLF  |  "$" bytes CRLF byte{bytes} CRLF  |  "$-1" CRLF
 *            | "*" count CRLF reply{count}  |  "*-1" CRLF
 *
 * Not here: what a reply says, save the sum of its integers (replies of PUBLISH and XACK are counts).
 * Invariant: an error from the server throws; it is never counted as a reply.
 */
import type { Chunk } from "./connection.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;
const minus = 0x2d;
const colon = 0x3a;
const dollar = 0x24;
const asterisk = 0x2a;
const zero = 0x30;

export class ReplyCounter {
  /** Whole replies so far; what is within an array is not counted by itself. */
  replies = 0;
  integerSum = 0;
  /** Of the reply under way, how many elements are still to come. */
  #elementsLeft = 1;
  /** Bytes of a bulk and its CRLF that are still to come. */
  #bulkBytesLeft = 0;
  /** The first byte of the line under way; 0 between lines. */
  #type = 0;
  #number = 0;
  #isNegative = false;

  feed(chunk: Chunk): void {
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      if (this.#bulkBytesLeft > 0) {
        const taken = Math.min(this.#bulkBytesLeft, end - at);
        this.#bulkBytesLeft -= taken;
        at += taken;
        if (this.#bulkBytesLeft === 0) this.#elementDone();
        continue;
      }
      const byte = chunk[at]!;
      at += 1;
      if (this.#type === 0) this.#startLine(byte, chunk, at);
      else if (byte === newline) this.#lineDone();
      else if (byte === minus) this.#isNegative = true;
      else if (byte !== carriageReturn) this.#number = this.#number * 10 + (byte - zero);
    }
  }

  #startLine(type: number, chunk: Chunk, at: number): void {
    if (type === minus) throw new Error(`the server answered: ${errorText(chunk, at)}`);
    this.#type = type;
    this.#number = 0;
    this.#isNegative = false;
  }

  #lineDone(): void {
    const type = this.#type;
    this.#type = 0;
    if (type === colon) this.integerSum += this.#isNegative ? -this.#number : this.#number;
    if (type === dollar && !this.#isNegative) this.#bulkBytesLeft = this.#number + 2;
    else if (type === asterisk && !this.#isNegative) {
      this.#elementsLeft += this.#number;
      this.#elementDone();
    } else this.#elementDone();
  }

  #elementDone(): void {
    this.#elementsLeft -= 1;
    if (this.#elementsLeft > 0) return;
    this.replies += 1;
    this.#elementsLeft = 1;
  }
}

/** The rest of an error's line, as far as it came. */
export function errorText(chunk: Chunk, at: number): string {
  return Buffer.from(chunk.subarray(at, at + 300))
    .toString("latin1")
    .split("\r\n", 1)[0]!;
}
