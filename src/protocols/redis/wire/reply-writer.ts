/**
 * Writes replies in RESP2 or RESP3 straight into an output buffer.
 *
 *     RESP2: +text  -error  :integer  $length bytes  *count  $-1  *-1
 *     RESP3 adds: _  %pairs  ~count  >count  ,double  #t #f  =length fmt:bytes  (number
 *
 * Not here: which reply a command gives, and when the buffer is sent. What RESP2 lacks is given in the form that
 * redis gives: a map as a flat array, a double, a verbatim text and a big number as a bulk, a boolean as 0 or 1.
 * Invariant: every method writes one whole reply or one header; nothing here allocates, save numbers that are doubles.
 */
import { copyBytes, type ByteWriter } from "../../../base/bytes.ts";
import { formatDouble } from "./numbers.ts";

const okBytes = Buffer.from("+OK\r\n");
const pongBytes = Buffer.from("+PONG\r\n");
const queuedBytes = Buffer.from("+QUEUED\r\n");
const nullBulkBytes = Buffer.from("$-1\r\n");
const nullArrayBytes = Buffer.from("*-1\r\n");
const nullBytes = Buffer.from("_\r\n");
const trueBytes = Buffer.from("#t\r\n");
const falseBytes = Buffer.from("#f\r\n");

const dollar = 0x24;
/** Up to here a loop copies as quickly as a call, and the length has two digits. */
const shortBulkMax = 32;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

export type RespVersion = 2 | 3;

export class ReplyWriter {
  /** Where replies go: the session may point it elsewhere, for instance at the queue of a paused connection. */
  out: ByteWriter;
  version: RespVersion = 2;

  constructor(out: ByteWriter) {
    this.out = out;
  }

  ok(): void {
    this.out.bytes(okBytes);
  }

  pong(): void {
    this.out.bytes(pongBytes);
  }

  queued(): void {
    this.out.bytes(queuedBytes);
  }

  /** Latin-1 text without line breaks. */
  simple(text: string): void {
    this.#line(0x2b, text);
  }

  /** The text begins with its code ("ERR ...", "WRONGTYPE ..."). Line breaks become blanks, as in redis. */
  error(text: string): void {
    let clean = text;
    if (clean.includes("\r") || clean.includes("\n"))
      clean = clean.replaceAll("\r", " ").replaceAll("\n", " ");
    this.out.uint8(0x2d).utf8(clean);
    this.#lineEnd();
  }

  /** The same for a text of bytes, which has no line breaks. */
  errorLatin1(text: string): void {
    this.#line(0x2d, text);
  }

  /** A safe integer. */
  integer(value: number): void {
    writeNumberLine(this.out, 0x3a, value);
  }

  bigInteger(value: bigint): void {
    this.#line(0x3a, value.toString());
  }

  bulk(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const size = end - start;
    const out = this.out;
    if (size > shortBulkMax) {
      writeNumberLine(out, dollar, size);
      const at = out.reserve(size + 2);
      const buffer = out.buffer;
      copyBytes(buffer, at, bytes, start, end);
      buffer[at + size] = carriageReturn;
      buffer[at + size + 1] = lineFeed;
      return;
    }
    // Replies of many elements are made of these: header and bytes in one piece.
    let at = out.reserve(size + (size < 10 ? 6 : 7));
    const buffer = out.buffer;
    buffer[at++] = dollar;
    if (size >= 10) buffer[at++] = 0x30 + ((size / 10) | 0);
    buffer[at++] = 0x30 + (size % 10);
    buffer[at++] = carriageReturn;
    buffer[at++] = lineFeed;
    for (let from = start; from < end; from++) buffer[at++] = bytes[from]!;
    buffer[at++] = carriageReturn;
    buffer[at] = lineFeed;
  }

  /** Only the `$length` line: the caller writes exactly `size` bytes, then `bulkEnd()`. */
  bulkStart(size: number): void {
    writeNumberLine(this.out, 0x24, size);
  }

  bulkEnd(): void {
    this.#lineEnd();
  }

  bulkLatin1(text: string): void {
    writeNumberLine(this.out, 0x24, text.length);
    this.out.latin1(text);
    this.#lineEnd();
  }

  bulkText(text: string): void {
    writeNumberLine(this.out, 0x24, Buffer.byteLength(text));
    this.out.utf8(text);
    this.#lineEnd();
  }

  /** A safe integer as a bulk string (GET of a counter). */
  bulkInteger(value: number): void {
    const out = this.out;
    const size = decimalSize(value);
    writeNumberLine(out, 0x24, size);
    const at = out.reserve(size);
    writeDecimal(out.buffer, at, size, value);
    this.#lineEnd();
  }

  null(): void {
    this.out.bytes(this.version === 3 ? nullBytes : nullBulkBytes);
  }

  nullArray(): void {
    this.out.bytes(this.version === 3 ? nullBytes : nullArrayBytes);
  }

  array(count: number): void {
    writeNumberLine(this.out, 0x2a, count);
  }

  /** The header of `pairs` keys, each followed by its value. */
  map(pairs: number): void {
    if (this.version === 3) writeNumberLine(this.out, 0x25, pairs);
    else writeNumberLine(this.out, 0x2a, 2 * pairs);
  }

  set(count: number): void {
    writeNumberLine(this.out, this.version === 3 ? 0x7e : 0x2a, count);
  }

  /** Out-of-band data: Pub/Sub deliveries and confirmations. */
  push(count: number): void {
    writeNumberLine(this.out, this.version === 3 ? 0x3e : 0x2a, count);
  }

  double(value: number): void {
    // Most scores are whole: no text is made of them.
    if (this.version === 2 && Number.isSafeInteger(value) && !Object.is(value, -0))
      return this.bulkInteger(value);
    this.doubleText(formatDouble(value));
  }

  /** A double that was spelt already. */
  doubleText(text: string): void {
    if (this.version === 3) this.#line(0x2c, text);
    else this.bulkLatin1(text);
  }

  boolean(value: boolean): void {
    if (this.version === 3) this.out.bytes(value ? trueBytes : falseBytes);
    else this.integer(value ? 1 : 0);
  }

  /** Text with a three-letter format, "txt" or "mkd". */
  verbatim(format: "txt" | "mkd", text: string): void {
    if (this.version !== 3) return this.bulkText(text);
    writeNumberLine(this.out, 0x3d, Buffer.byteLength(text) + 4);
    this.out.latin1(format).uint8(0x3a).utf8(text);
    this.#lineEnd();
  }

  /** The same for bytes, with a format of any kind. */
  verbatimBytes(format: string, bytes: Uint8Array, start: number, end: number): void {
    if (this.version !== 3) return this.bulk(bytes, start, end);
    writeNumberLine(this.out, 0x3d, end - start + 4);
    this.out.latin1(format.slice(0, 3).padEnd(3)).uint8(0x3a).bytes(bytes, start, end);
    this.#lineEnd();
  }

  /** A big number as it is spelt. */
  bigNumberText(digits: string): void {
    if (this.version === 3) this.#line(0x28, digits);
    else this.bulkLatin1(digits);
  }

  /** Decimal digits of any length. */
  bigNumber(value: bigint): void {
    if (this.version === 3) this.#line(0x28, value.toString());
    else this.bulkLatin1(value.toString());
  }

  /** Bytes that are whole replies already (a stored stream entry). */
  raw(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.out.bytes(bytes, start, end);
  }

  #line(mark: number, text: string): void {
    this.out.uint8(mark).latin1(text);
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.out.uint16(0x0d0a);
  }
}

/** `mark`, the decimal digits of a safe integer, CRLF: the header of everything, so it makes no text. */
export function writeNumberLine(out: ByteWriter, mark: number, value: number): void {
  const size = decimalSize(value);
  const at = out.reserve(size + 3);
  const buffer = out.buffer;
  buffer[at] = mark;
  writeDecimal(buffer, at + 1, size, value);
  buffer[at + size + 1] = carriageReturn;
  buffer[at + size + 2] = lineFeed;
}

/** How many bytes the decimal form of a safe integer takes. */
export function decimalSize(value: number): number {
  if (value >= 0 && value < 10000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  let size = value < 0 ? 2 : 1;
  for (let rest = Math.abs(value), bound = 10; rest >= bound; bound *= 10) size++;
  return size;
}

/** Writes `size` bytes, which must be `decimalSize(value)`. */
export function writeDecimal(buffer: Uint8Array, start: number, size: number, value: number): void {
  let at = start + size;
  let rest = value;
  if (value < 0) {
    buffer[start] = 0x2d;
    rest = -value;
  }
  // Division of what fits 31 bits is integer division, which is far quicker.
  while (rest > 0x7fffffff) {
    const tenth = Math.floor(rest / 10);
    buffer[--at] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  while (small >= 10) {
    const tenth = (small / 10) | 0;
    buffer[--at] = 0x30 + small - tenth * 10;
    small = tenth;
  }
  buffer[--at] = 0x30 + small;
}
