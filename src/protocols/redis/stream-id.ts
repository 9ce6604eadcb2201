/**
 * Entry ids as commands write them: `ms-sequence`, `ms`, `ms-*`, `-`, `+`, `(ms-sequence`.
 *
 * Redis keeps two 64-bit numbers; here each part is at most 2^53 - 1, which milliseconds reach in the year 287396. A
 * greater part counts as that maximum: right for the ends of ranges, refused where an entry would get it.
 * Invariant: `0 <= ms, sequence <= idPartMax`.
 */
import type { ByteWriter } from "../../base/bytes.ts";
import { errorTexts, RedisError } from "./errors.ts";
import type { RequestArguments } from "./wire/request-arguments.ts";
import { decimalSize, writeDecimal } from "./wire/reply-writer.ts";

export const idPartMax = Number.MAX_SAFE_INTEGER;
const digitsMax = 20;
const idSizeMax = 127;

export class StreamId {
  ms = 0;
  sequence = 0;
  /** `ms-*`: the sequence is for the stream to choose. */
  isSequenceOpen = false;

  set(ms: number, sequence: number): this {
    this.ms = ms;
    this.sequence = sequence;
    return this;
  }

  copyFrom(other: StreamId): this {
    return this.set(other.ms, other.sequence);
  }

  get isZero(): boolean {
    return this.ms === 0 && this.sequence === 0;
  }

  /** Negative, 0 or positive, as this id is below, at or above the other. */
  compare(ms: number, sequence: number): number {
    return this.ms === ms ? this.sequence - sequence : this.ms - ms;
  }

  /** The next id; false at the very last one. */
  increment(): boolean {
    if (this.sequence < idPartMax) this.sequence++;
    else if (this.ms < idPartMax) this.set(this.ms + 1, 0);
    else return false;
    return true;
  }

  /** The id before; false at 0-0. */
  decrement(): boolean {
    if (this.sequence > 0) this.sequence--;
    else if (this.ms > 0) this.set(this.ms - 1, idPartMax);
    else return false;
    return true;
  }

  toString(): string {
    return `${this.ms}-${this.sequence}`;
  }
}

const probe = new StreamId();

export function compareIds(aMs: number, aSequence: number, bMs: number, bSequence: number): number {
  return aMs === bMs ? aSequence - bSequence : aMs - bMs;
}

/** Digits only, -1 otherwise; beyond `idPartMax` it is that. */
function parsePart(buffer: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size < 1 || size > digitsMax) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > idPartMax ? idPartMax : value;
}

/** Reads `ms-sequence`, or `ms` with the sequence `missing`; with `open`, also `ms-*`. Says whether it is an id. */
function parseId(
  buffer: Uint8Array,
  start: number,
  end: number,
  into: StreamId,
  missing: number,
  open: boolean,
): boolean {
  if (end - start > idSizeMax) return false;
  into.isSequenceOpen = false;
  let dash = start;
  while (dash < end && buffer[dash] !== 0x2d) dash++;
  const ms = parsePart(buffer, start, dash);
  if (ms < 0) return false;
  let sequence = missing;
  if (dash < end) {
    if (open && end - dash === 2 && buffer[dash + 1] === 0x2a) {
      into.isSequenceOpen = true;
      sequence = 0;
    } else sequence = parsePart(buffer, dash + 1, end);
  }
  if (sequence < 0) return false;
  into.set(ms, sequence);
  return true;
}

/** An id without `-` and `+`. Throws redis's error. */
export function strictIdArgument(
  request: RequestArguments,
  index: number,
  into: StreamId,
  missing = 0,
  open = false,
): StreamId {
  if (!parseId(request.buffer, request.starts[index]!, request.ends[index]!, into, missing, open))
    throw new RedisError(errorTexts.invalidStreamId);
  return into;
}

/** Whether the argument is an id without `-` and `+`. */
export function isId(request: RequestArguments, index: number): boolean {
  return parseId(request.buffer, request.starts[index]!, request.ends[index]!, probe, 0, false);
}

/** An id, or `-` for the least and `+` for the greatest. */
export function idArgument(
  request: RequestArguments,
  index: number,
  into: StreamId,
  missing: number,
): StreamId {
  if (request.size(index) === 1) {
    const byte = request.buffer[request.starts[index]!];
    if (byte === 0x2d) return into.set(0, 0);
    if (byte === 0x2b) return into.set(idPartMax, idPartMax);
  }
  return strictIdArgument(request, index, into, missing);
}

/** The lower end of a range; `(` leaves out the id itself. */
export function rangeStartArgument(request: RequestArguments, index: number, into: StreamId): StreamId {
  if (!isExclusive(request, index)) return idArgument(request, index, into, 0);
  parseExclusive(request, index, into, 0);
  if (!into.increment()) throw new RedisError("ERR invalid start ID for the interval");
  return into;
}

/** The upper end of a range. */
export function rangeEndArgument(request: RequestArguments, index: number, into: StreamId): StreamId {
  if (!isExclusive(request, index)) return idArgument(request, index, into, idPartMax);
  parseExclusive(request, index, into, idPartMax);
  if (!into.decrement()) throw new RedisError("ERR invalid end ID for the interval");
  return into;
}

function isExclusive(request: RequestArguments, index: number): boolean {
  return request.size(index) > 1 && request.buffer[request.starts[index]!] === 0x28;
}

function parseExclusive(request: RequestArguments, index: number, into: StreamId, missing: number): void {
  const start = request.starts[index]! + 1;
  if (!parseId(request.buffer, start, request.ends[index]!, into, missing, false))
    throw new RedisError(errorTexts.invalidStreamId);
}

/** `$size CRLF ms-sequence CRLF`, without a string in between. */
export function writeStreamId(out: ByteWriter, ms: number, sequence: number): void {
  const msSize = decimalSize(ms);
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
  writeDecimal(buffer, at, msSize, ms);
  buffer[at + msSize] = 0x2d;
  writeDecimal(buffer, at + msSize + 1, sequenceSize, sequence);
  at += size;
  buffer[at] = 0x0d;
  buffer[at + 1] = 0x0a;
}
