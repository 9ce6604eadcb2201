/**
 * The stored form of a Redis stream entry: exactly the array of its fields in a reply of XRANGE, so that reading an
 * entry is a copy.
 *
 *     entry = "*" 2n CRLF n-times(bulk(name) bulk(value))      bulk(x) = "$" length CRLF x CRLF
 *
 * Not here: the entry's id (it is in the log's index), conversion to the canonical message. Field names may repeat, and
 * their order is kept. Invariant: numbers are spelt without leading zeros, so equal fields are equal bytes.
 */
import { copyBytes, type ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const star = 0x2a;
const dollar = 0x24;

/** Parsed arguments of a command (the Redis wire's RequestArguments is one). */
export interface EntryArguments {
  readonly buffer: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** The arguments lie in `buffer` as RESP bulks, one behind the other. */
  readonly canonical: boolean;
}

/**
 * Writes arguments `first` to `last` (left out), names and values in turn, as an entry. What came as a RESP request is
 * copied in one run: a request's bulks have the very form of a reply's.
 */
export function writeEntryFromArguments(
  out: ByteWriter,
  request: EntryArguments,
  first: number,
  last: number,
): void {
  const count = last - first;
  if (count < 2 || count % 2 !== 0) {
    throw new BrokerError(
      "INVALID",
      `writes a stream entry of ${count} arguments; give names and values in pairs`,
    );
  }
  const { buffer, starts, ends } = request;
  writeLengthLine(out, star, count);
  if (request.canonical) {
    const from = starts[first]! - lengthLineSize(ends[first]! - starts[first]!);
    const to = ends[last - 1]! + 2;
    const at = out.reserve(to - from);
    copyBytes(out.buffer, at, buffer, from, to);
    return;
  }
  for (let i = first; i < last; i++) writeEntryPart(out, buffer, starts[i], ends[i]);
}

/** The header of an entry that another protocol's message is turned into; `writeEntryPart` follows 2 x `pairs` times. */
export function writeEntryHeader(out: ByteWriter, pairs: number): void {
  writeLengthLine(out, star, 2 * pairs);
}

/** One name or value. */
export function writeEntryPart(
  out: ByteWriter,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): void {
  writeLengthLine(out, dollar, end - start);
  out.bytes(bytes, start, end);
  out.uint16(0x0d0a);
}

/**
 * Walks over the fields of a stored entry in place: `next()` sets the offsets of a name and its value in `buffer`.
 * Throws `MALFORMED` where the bytes are no entry.
 */
export class EntryReader {
  buffer: Uint8Array = new Uint8Array(0);
  /** Fields that `next()` has still to give. */
  fieldsLeft = 0;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Behind what was read: the entry's end once `fieldsLeft` is 0. */
  position = 0;
  #end = 0;

  /** Points this reader at an entry in `buffer[start, end)`; gives its number of fields. */
  open(buffer: Uint8Array, start = 0, end: number = buffer.length): number {
    this.buffer = buffer;
    this.position = start;
    this.#end = end;
    const parts = this.#lengthLine(star);
    if (parts % 2 !== 0) throw malformed(start, "an odd number of parts");
    this.fieldsLeft = parts / 2;
    return this.fieldsLeft;
  }

  next(): boolean {
    if (this.fieldsLeft === 0) return false;
    this.fieldsLeft--;
    this.nameStart = this.#part();
    this.nameEnd = this.position - 2;
    this.valueStart = this.#part();
    this.valueEnd = this.position - 2;
    return true;
  }

  /** Whether the name is `text`, which is ASCII. */
  isName(text: string): boolean {
    const size = text.length;
    const start = this.nameStart;
    if (this.nameEnd - start !== size) return false;
    for (let i = 0; i < size; i++) if (this.buffer[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #part(): number {
    const size = this.#lengthLine(dollar);
    const start = this.position;
    const end = start + size;
    if (end + 2 > this.#end || this.buffer[end] !== carriageReturn || this.buffer[end + 1] !== lineFeed) {
      throw malformed(start, `no end of a part of ${size} bytes`);
    }
    this.position = end + 2;
    return start;
  }

  #lengthLine(mark: number): number {
    const buffer = this.buffer;
    const start = this.position;
    if (start >= this.#end || buffer[start] !== mark) throw malformed(start, "no length");
    let at = start + 1;
    let value = 0;
    while (at < this.#end && buffer[at]! >= 0x30 && buffer[at]! <= 0x39 && value <= 0x7fffffff) {
      value = value * 10 + buffer[at]! - 0x30;
      at++;
    }
    if (
      at === start + 1 ||
      at + 2 > this.#end ||
      buffer[at] !== carriageReturn ||
      buffer[at + 1] !== lineFeed
    ) {
      throw malformed(start, "a bad length");
    }
    this.position = at + 2;
    return value;
  }
}

function malformed(at: number, what: string): BrokerError {
  return new BrokerError("MALFORMED", `reads a stored stream entry: ${what} at ${at}; run troikamq check`);
}

function lengthLineSize(value: number): number {
  let size = 4;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) size++;
  return size;
}

function writeLengthLine(out: ByteWriter, mark: number, value: number): void {
  const size = lengthLineSize(value);
  const start = out.reserve(size);
  const buffer = out.buffer;
  buffer[start] = mark;
  let at = start + size - 2;
  buffer[at] = carriageReturn;
  buffer[at + 1] = lineFeed;
  let rest = value;
  do {
    const tenth = (rest / 10) | 0;
    buffer[--at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  } while (rest > 0);
}
