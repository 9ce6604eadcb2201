/**
 * Entry ids as commands write them: `ms-sequence`, `ms`, `ms-*`, `-`, `+`, `(ms-sequence`, and as replies show them.
 *
 * Not here: what an id is (message/entry-id.ts). A number is read as redis reads it, by C's strtoull: blanks, a sign and
 * leading zeros are taken, and what does not fit 64 bits is refused. Invariant: no string and no number object is made.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { decimalSize, writeDecimal } from "../wire/reply-writer.ts";

const idSizeMax = 127;
const wordSize = 0x1_0000_0000;
/** So many digits of a sequence of any size fit a double. */
const safeDigitsMax = 15;
const probe = new EntryId();

/** What stands for the sequence of an id that gives none. */
type MissingSequence = "least" | "greatest";

/** The two words of the number that `parseNumber` read. */
let high = 0;
let low = 0;

/** Whether `[start, end)` is an unsigned 64-bit number; then it is in `high` and `low`. */
function parseNumber(buffer: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isBlank(buffer[at]!)) at++;
  const hasMinus = at < end && buffer[at] === 0x2d;
  if (hasMinus || (at < end && buffer[at] === 0x2b)) at++;
  const first = at;
  if (first === end) return false;
  const safeEnd = Math.min(end, first + safeDigitsMax);
  let value = 0;
  for (; at < safeEnd; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  high = Math.floor(value / wordSize);
  low = value - high * wordSize;
  for (; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    const tenfold = low * 10 + digit;
    const carried = Math.floor(tenfold / wordSize);
    low = tenfold - carried * wordSize;
    high = high * 10 + carried;
    if (high >= wordSize) return false;
  }
  return !hasMinus || negate(first === start + 1 && buffer[first] !== 0x30);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** strtoull takes a minus, and wraps; but what redis first reads as a negative integer of 64 bits it refuses. */
function negate(isStrictInteger: boolean): boolean {
  const isBelowMiddle = high < 0x8000_0000 || (high === 0x8000_0000 && low === 0);
  if (isStrictInteger && isBelowMiddle) return false;
  const borrowed = low === 0 ? 0 : 1;
  low = (wordSize - low) % wordSize;
  high = (wordSize - high - borrowed) % wordSize;
  return true;
}

/** Powers of ten, of which the second half of a number's digits is multiplied into the first. */
const scales = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
/** So many digits fit 31 bits, and their sum is one of integers. */
const smallDigitsMax = 9;

/** Reads up to 15 digits from `start` on, into `high` and `low`; returns where they end. */
function readDigits(buffer: Uint8Array, start: number, end: number): number {
  let at = start;
  let front = 0;
  const frontEnd = Math.min(end, start + smallDigitsMax);
  for (; at < frontEnd; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    front = (front * 10 + digit) | 0;
  }
  if (at < frontEnd || at === end) {
    high = 0;
    low = front;
    return at;
  }
  let back = 0;
  const backEnd = Math.min(end, start + safeDigitsMax);
  for (; at < backEnd; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    back = (back * 10 + digit) | 0;
  }
  const value = front * scales[at - start - smallDigitsMax]! + back;
  high = Math.floor(value / wordSize);
  low = value - high * wordSize;
  return at;
}

/** Reads an id as replies show most of them: two numbers of at most 15 digits. False where it is written otherwise. */
function parseUsualId(buffer: Uint8Array, start: number, end: number, into: EntryId): boolean {
  const dash = readDigits(buffer, start, end);
  if (dash === start || dash >= end || buffer[dash] !== 0x2d) return false;
  into.msHigh = high;
  into.msLow = low;
  const idEnd = readDigits(buffer, dash + 1, end);
  if (idEnd !== end || idEnd === dash + 1) return false;
  into.sequenceHigh = high;
  into.sequenceLow = low;
  return true;
}

/** Reads `ms-sequence`, or `ms` with the sequence `missing`; with `open` also `ms-*`, whose sequence is 0 then. */
function parseId(
  buffer: Uint8Array,
  start: number,
  end: number,
  into: EntryId,
  missing: MissingSequence,
  open: boolean,
): "closed" | "open" | undefined {
  if (parseUsualId(buffer, start, end, into)) return "closed";
  if (end - start > idSizeMax) return undefined;
  // The text ends at a zero byte, as in C.
  let textEnd = start;
  while (textEnd < end && buffer[textEnd] !== 0) textEnd++;
  let dash = start;
  while (dash < textEnd && buffer[dash] !== 0x2d) dash++;
  if (!parseNumber(buffer, start, dash)) return undefined;
  into.msHigh = high;
  into.msLow = low;
  const isOpen = open && textEnd - dash === 2 && buffer[dash + 1] === 0x2a;
  if (dash === textEnd || isOpen) high = low = missing === "least" ? 0 : wordSize - 1;
  else if (!parseNumber(buffer, dash + 1, textEnd)) return undefined;
  into.sequenceHigh = high;
  into.sequenceLow = low;
  return isOpen ? "open" : "closed";
}

/** An id without `-` and `+`. Throws redis's error. */
export function strictIdArgument(
  request: RequestArguments,
  index: number,
  into: EntryId,
  missing: MissingSequence = "least",
): EntryId {
  if (
    parseId(request.buffer, request.starts[index]!, request.ends[index]!, into, missing, false) === undefined
  )
    throw new RedisError(errorTexts.invalidStreamId);
  return into;
}

/** The same, or `ms-*`: true when the sequence is for the stream to choose. */
export function openIdArgument(request: RequestArguments, index: number, into: EntryId): boolean {
  const form = parseId(request.buffer, request.starts[index]!, request.ends[index]!, into, "least", true);
  if (form === undefined) throw new RedisError(errorTexts.invalidStreamId);
  return form === "open";
}

/** Whether the argument is an id without `-` and `+`. */
export function isId(request: RequestArguments, index: number): boolean {
  const { buffer, starts, ends } = request;
  return parseId(buffer, starts[index]!, ends[index]!, probe, "least", false) !== undefined;
}

/** An id, or `-` for the least and `+` for the greatest. */
export function idArgument(
  request: RequestArguments,
  index: number,
  into: EntryId,
  missing: MissingSequence = "least",
): EntryId {
  if (request.size(index) === 1) {
    const byte = request.buffer[request.starts[index]!];
    if (byte === 0x2d) return into.set(0, 0);
    if (byte === 0x2b) return into.setMax();
  }
  return strictIdArgument(request, index, into, missing);
}

/** The lower end of a range; `(` leaves out the id itself. */
export function rangeStartArgument(request: RequestArguments, index: number, into: EntryId): EntryId {
  if (!isExclusive(request, index)) return idArgument(request, index, into);
  parseExclusive(request, index, into, "least");
  if (!into.increment()) throw new RedisError("ERR invalid start ID for the interval");
  return into;
}

/** The upper end of a range. */
export function rangeEndArgument(request: RequestArguments, index: number, into: EntryId): EntryId {
  if (!isExclusive(request, index)) return idArgument(request, index, into, "greatest");
  parseExclusive(request, index, into, "greatest");
  if (!into.decrement()) throw new RedisError("ERR invalid end ID for the interval");
  return into;
}

function isExclusive(request: RequestArguments, index: number): boolean {
  return request.size(index) > 1 && request.buffer[request.starts[index]!] === 0x28;
}

function parseExclusive(
  request: RequestArguments,
  index: number,
  into: EntryId,
  missing: MissingSequence,
): void {
  const start = request.starts[index]! + 1;
  if (parseId(request.buffer, start, request.ends[index]!, into, missing, false) === undefined)
    throw new RedisError(errorTexts.invalidStreamId);
}

/** The milliseconds that were written last, and their digits: entries that follow each other mostly have the same. */
let notedMs = -1;
let notedMsSize = 0;
const notedMsText = new Uint8Array(20);

function noteMs(ms: number): void {
  if (ms === notedMs) return;
  notedMs = ms;
  notedMsSize = decimalSize(ms);
  writeDecimal(notedMsText, 0, notedMsSize, ms);
}

/** `$size CRLF ms-sequence CRLF`, without a string in between. */
export function writeStreamId(out: ByteWriter, id: EntryId): void {
  const { msHigh, sequenceHigh } = id;
  if (msHigh >= safeHighEnd || sequenceHigh >= safeHighEnd) return writeGreatId(out, id);
  noteMs(msHigh * wordSize + id.msLow);
  const sequence = sequenceHigh * wordSize + id.sequenceLow;
  const msSize = notedMsSize;
  const sequenceSize = decimalSize(sequence);
  const size = msSize + 1 + sequenceSize;
  const sizeDigits = size < 10 ? 1 : 2;
  const total = 1 + sizeDigits + 2 + size + 2;
  let at = out.reserve(total);
  const buffer = out.buffer;
  buffer[at] = 0x24;
  writeDecimal(buffer, at + 1, sizeDigits, size);
  at += 1 + sizeDigits;
  buffer[at] = 0x0d;
  buffer[at + 1] = 0x0a;
  at += 2;
  for (let i = 0; i < msSize; i++) buffer[at + i] = notedMsText[i]!;
  buffer[at + msSize] = 0x2d;
  writeDecimal(buffer, at + msSize + 1, sequenceSize, sequence);
  at += size;
  buffer[at] = 0x0d;
  buffer[at + 1] = 0x0a;
}

/** High words below it are of safe integers. */
const safeHighEnd = 0x20_0000;
const tailDigits = 5;
const tailScale = 100_000;

/** The same for numbers that a double does not hold: all but their last digits, then those. */
function writeGreatId(out: ByteWriter, { msHigh, msLow, sequenceHigh, sequenceLow }: EntryId): void {
  const size = greatSize(msHigh, msLow) + 1 + greatSize(sequenceHigh, sequenceLow);
  // At most 41, at least 18.
  out.uint8(0x24);
  out.uint8(0x30 + Math.floor(size / 10));
  out.uint8(0x30 + (size % 10));
  out.uint16(0x0d0a);
  writeGreat(out, msHigh, msLow);
  out.uint8(0x2d);
  writeGreat(out, sequenceHigh, sequenceLow);
  out.uint16(0x0d0a);
}

function greatSize(highWord: number, lowWord: number): number {
  if (highWord < safeHighEnd) return decimalSize(highWord * wordSize + lowWord);
  return decimalSize(frontOf(highWord, lowWord)) + tailDigits;
}

function writeGreat(out: ByteWriter, highWord: number, lowWord: number): void {
  const size = greatSize(highWord, lowWord);
  const at = out.reserve(size);
  const { buffer } = out;
  if (highWord < safeHighEnd) return writeDecimal(buffer, at, size, highWord * wordSize + lowWord);
  const frontSize = size - tailDigits;
  writeDecimal(buffer, at, frontSize, frontOf(highWord, lowWord));
  let rest = ((highWord % tailScale) * wordSize + lowWord) % tailScale;
  for (let digit = at + size - 1; digit >= at + frontSize; digit--) {
    buffer[digit] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** The number without its last five digits: a long division in two steps, each of which a double holds. */
function frontOf(highWord: number, lowWord: number): number {
  const quotient = Math.floor(highWord / tailScale);
  const rest = highWord - quotient * tailScale;
  return quotient * wordSize + Math.floor((rest * wordSize + lowWord) / tailScale);
}
