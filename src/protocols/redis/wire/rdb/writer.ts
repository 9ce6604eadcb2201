/**
 * Lengths, strings and times as redis's dumps have them.
 *
 *     length = 00llllll | 01llllll llllllll | 10000000 u32 | 10000001 u64          big-endian
 *     string = length, bytes
 *            | 11000000 i8 | 11000001 i16 | 11000010 i32                           a decimal number; little-endian
 *            | 11000011, length of what is compressed, length of the string, bytes of LZF
 *     time   = i64 ms, little-endian
 *
 * Not here: what a value consists of. Invariant: which form a string has depends on its bytes alone, as in redis: a number that fits
 * 32 bits is one, and what becomes shorter by four bytes is compressed.
 */
import type { ByteWriter } from "../../../../base/bytes.ts";
import type { Job } from "../../../../base/turn-work.ts";
import { parseInteger } from "../numbers.ts";
import { compressLzf, LzfCompressor } from "./lzf.ts";

const integerTextMax = 11;
const compressedFrom = 21;
const savedLeast = 4;
/** A longer string is compressed in slices. */
const slicedFrom = 64 << 10;
const compressedAtOnce = 16 << 10;
const unitsOfCompressed = 160;
const writtenAtOnce = 256 << 10;
const unitsOfWritten = 256;
const wordSize = 2 ** 32;

export function writeLength(out: ByteWriter, length: number): void {
  if (length < 0x40) out.uint8(length);
  else if (length < 0x4000) out.uint8(0x40 | (length >> 8)).uint8(length);
  else if (length < wordSize) out.uint8(0x80).uint32(length);
  else writeLongLength(out, Math.floor(length / wordSize), length % wordSize);
}

/** 64 bits, as two words. */
export function writeLongLength(out: ByteWriter, high: number, low: number): void {
  if (high === 0) return writeLength(out, low);
  out.uint8(0x81).uint32(high).uint32(low);
}

export function writeTime(out: ByteWriter, ms: number): void {
  const at = out.reserve(8);
  out.buffer.writeBigInt64LE(BigInt(Math.trunc(ms)), at);
}

/** Writes `bytes[start, end)`, compressed at once if it is worth it: for strings that are not long. */
export function writeString(out: ByteWriter, bytes: Uint8Array, start = 0, end: number = bytes.length): void {
  const size = end - start;
  if (size <= integerTextMax && writeInteger(out, bytes, start, end)) return;
  if (size >= compressedFrom) {
    const most = size - savedLeast;
    if (scratch.length < most) scratch = Buffer.alloc(Math.max(most, slicedFrom));
    const compressed = compressLzf(bytes, start, end, scratch, most);
    if (compressed > 0) {
      writeCompressedHead(out, compressed, size);
      out.bytes(scratch, 0, compressed);
      return;
    }
  }
  writeLength(out, size);
  out.bytes(bytes, start, end);
}

let scratch = Buffer.alloc(4096);

/** Whether a string of that size is one for `writeStringSliced`. */
export function isLongString(size: number): boolean {
  return size >= slicedFrom;
}

/** Where a long string is written: `settle` is called between its parts, and may put another writer in `out`. */
export interface StringSink {
  readonly out: ByteWriter;
  settle(): void;
}

/** The same for strings of any length, which nobody may change meanwhile. */
export function* writeStringSliced(
  sink: StringSink,
  bytes: Uint8Array,
  start: number,
  end: number,
): Job<void> {
  const size = end - start;
  if (!isLongString(size)) {
    writeString(sink.out, bytes, start, end);
    return;
  }
  const target = Buffer.alloc(size - savedLeast);
  const compressor = new LzfCompressor(bytes, start, end, target, target.length);
  while (!compressor.advance(compressedAtOnce)) yield unitsOfCompressed;
  if (compressor.size > 0) {
    writeCompressedHead(sink.out, compressor.size, size);
    yield* writeParts(sink, target, 0, compressor.size);
  } else {
    writeLength(sink.out, size);
    yield* writeParts(sink, bytes, start, end);
  }
}

function* writeParts(sink: StringSink, bytes: Uint8Array, start: number, end: number): Job<void> {
  for (let at = start; at < end; at += writtenAtOnce) {
    sink.out.bytes(bytes, at, Math.min(at + writtenAtOnce, end));
    sink.settle();
    yield unitsOfWritten;
  }
}

function writeCompressedHead(out: ByteWriter, compressed: number, size: number): void {
  out.uint8(0xc3);
  writeLength(out, compressed);
  writeLength(out, size);
}

/** Writes what is a decimal number of 32 bits as that; says whether it is one. */
function writeInteger(out: ByteWriter, bytes: Uint8Array, start: number, end: number): boolean {
  const value = parseInteger(bytes, start, end);
  if (Number.isNaN(value) || value !== (value | 0)) return false;
  if (value >= -0x80 && value < 0x80) out.uint8(0xc0).int8(value);
  else if (value >= -0x8000 && value < 0x8000)
    out
      .uint8(0xc1)
      .uint8(value)
      .uint8(value >> 8);
  else {
    out
      .uint8(0xc2)
      .uint8(value)
      .uint8(value >> 8);
    out.uint8(value >> 16).uint8(value >> 24);
  }
  return true;
}
