/**
 * The bytes of a HyperLogLog, as redis has them in a string: 16,384 registers of 6 bits, each the longest run of zeros that a hash
 * of its group of elements has ended in.
 *
 *     sketch = "HYLL", u8 encoding (0 dense, 1 sparse), 3 bytes 0, u64 cardinality (little-endian; highest bit set: not valid)
 *     dense  = registers, 6 bits each, lowest bits first
 *     sparse = operations: 00xxxxxx            x + 1 registers are 0 (ZERO)
 *                          01xxxxxx xxxxxxxx   x + 1 registers are 0 (XZERO)
 *                          1vvvvvxx            x + 1 registers are v + 1 (VAL)
 *
 * Pure: one sketch in memory of its own, which commands load and store (sketch-key.ts). A sketch that is sparse becomes dense when a
 * register is above 32 or the bytes are more than redis's `hll-sparse-max-bytes`. Invariant: the operations are exactly those that
 * redis would have made by the same changes in the same order, so the bytes are the same.
 */
import { copyBytes } from "../../../base/bytes.ts";
import { hashHigh, hashLow, murmurHash64 } from "./murmur.ts";

export const registerCount = 1 << 14;
export const sketchHeaderBytes = 16;
export const denseBytes = sketchHeaderBytes + (registerCount * 6) / 8;
/** The highest that a register can be: the zeros of the 50 bits that do not choose it, and one. */
export const registerMax = 51;

const magic = Buffer.from("HYLL");
const seed = 0xadc83b19;
const isDense = 0;
const isSparse = 1;
const encodingAt = 4;
/** Where the cardinality is, whose highest byte has the flag. */
export const cardinalityAt = 8;
export const cacheFlagAt = 15;
export const cacheFlag = 0x80;

const zeroMax = 64;
const longZeroMax = registerCount;
const valueMax = 32;
const runMax = 4;
/** One operation becomes three at most, of five bytes. */
const grownMax = 3;
const mergesLookedAt = 5;

/** The register of the element that `hashElement` saw last, and what it would be. */
export let elementRegister = 0;
export let elementRun = 0;

export function hashElement(bytes: Uint8Array, start: number, end: number): void {
  murmurHash64(bytes, start, end, seed);
  elementRegister = hashLow & (registerCount - 1);
  // The zeros below bit 14, up to bit 50 of the hash, which counts as set.
  const low = hashLow >>> 14;
  if (low !== 0) elementRun = trailingZeros(low) + 1;
  else if (hashHigh !== 0) elementRun = trailingZeros(hashHigh) + 19;
  else elementRun = registerMax;
}

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value);
}

export class Sketch {
  bytes: Buffer = Buffer.alloc(4096);
  length = 0;

  /** An empty one, sparse. */
  clear(): void {
    this.bytes.fill(0, 0, sketchHeaderBytes + 2);
    copyBytes(this.bytes, 0, magic, 0, magic.length);
    this.bytes[encodingAt] = isSparse;
    this.length = writeZeros(this.bytes, sketchHeaderBytes, registerCount);
  }

  /** Takes `source[start, end)`; says whether that is a sketch as far as a look at its header tells. */
  load(source: Uint8Array, start: number, end: number): boolean {
    if (!isSketch(source, start, end)) return false;
    this.#reserve(end - start);
    copyBytes(this.bytes, 0, source, start, end);
    this.length = end - start;
    return true;
  }

  #reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const grown = Buffer.alloc(size * 2);
    copyBytes(grown, 0, this.bytes, 0, this.length);
    this.bytes = grown;
  }

  get isSparse(): boolean {
    return this.bytes[encodingAt] === isSparse;
  }

  dropCached(): void {
    this.bytes[cacheFlagAt]! |= cacheFlag;
  }

  /** Raises a register to `run` if it is lower; says whether it was. -1: the operations do not make up all registers. */
  raise(register: number, run: number, sparseBytesMax: number): 0 | 1 | -1 {
    if (this.bytes[encodingAt] === isDense) return this.#raiseDense(register, run);
    this.#reserve(this.length + grownMax);
    if (run > valueMax) return this.#promote(register, run);
    return this.#raiseSparse(register, run, sparseBytesMax);
  }

  #raiseDense(register: number, run: number): 0 | 1 {
    if (registerAt(this.bytes, sketchHeaderBytes, register) >= run) return 0;
    setRegister(this.bytes, sketchHeaderBytes, register, run);
    return 1;
  }

  #promote(register: number, run: number): 1 | -1 {
    if (!this.makeDense()) return -1;
    setRegister(this.bytes, sketchHeaderBytes, register, run);
    return 1;
  }

  #raiseSparse(register: number, run: number, sparseBytesMax: number): 0 | 1 | -1 {
    const { bytes, length: end } = this;
    let at = sketchHeaderBytes;
    let first = 0;
    let before = -1;
    let span = 0;
    while (at < end) {
      span = spanAt(bytes, at, end);
      if (register < first + span) break;
      before = at;
      at += isLongZero(bytes[at]!) ? 2 : 1;
      first += span;
    }
    if (span === 0 || at >= end) return -1;
    const operation = bytes[at]!;
    const value = valueOf(operation);
    if (value >= run) return 0;
    if (span === 1 && !isLongZero(operation)) bytes[at] = valueOperation(run, 1);
    else if (!this.#split(at, register - first, run, sparseBytesMax)) return this.#promote(register, run);
    this.#merge(before < 0 ? sketchHeaderBytes : before);
    this.dropCached();
    return 1;
  }

  /** The operation at `at` becomes up to three, of which the middle one is the register. False: the sketch would be too long. */
  #split(at: number, offset: number, run: number, sparseBytesMax: number): boolean {
    const { bytes } = this;
    const operation = bytes[at]!;
    const value = valueOf(operation);
    const behind = spanAt(bytes, at, this.length) - offset - 1;
    let size = writeRun(pieces, 0, value, offset);
    pieces[size++] = valueOperation(run, 1);
    size = writeRun(pieces, size, value, behind);
    const before = isLongZero(operation) ? 2 : 1;
    const added = size - before;
    if (added > 0 && this.length + added > sparseBytesMax) return false;
    bytes.copyWithin(at + size, at + before, this.length);
    copyBytes(bytes, at, pieces, 0, size);
    this.length += added;
    return true;
  }

  /** Neighbours of the same value become one, as far as redis looks. */
  #merge(from: number): void {
    const { bytes } = this;
    let at = from;
    for (let left = mergesLookedAt; at < this.length && left > 0; left--) {
      const operation = bytes[at]!;
      if (isLongZero(operation)) {
        at += 2;
        continue;
      }
      const next = at + 1 < this.length ? bytes[at + 1]! : 0;
      const isPair = operation >= 0x80 && next >= 0x80 && valueOf(operation) === valueOf(next);
      const run = (operation & 3) + (next & 3) + 2;
      if (isPair && run <= runMax) {
        bytes[at + 1] = valueOperation(valueOf(operation), run);
        bytes.copyWithin(at, at + 1, this.length);
        this.length--;
      } else at++;
    }
  }

  /** Becomes dense, if it is not; false where the operations do not make up all registers. */
  makeDense(): boolean {
    if (!this.isSparse) return true;
    registers.fill(0);
    if (!mergeRegisters(registers, this.bytes, 0, this.length)) return false;
    this.#reserve(denseBytes);
    this.length = denseBytes;
    this.bytes[encodingAt] = isDense;
    this.bytes.fill(0, sketchHeaderBytes, denseBytes);
    for (let i = 0; i < registerCount; i++)
      if (registers[i]! > 0) setRegister(this.bytes, sketchHeaderBytes, i, registers[i]!);
    return true;
  }
}

const pieces = Buffer.alloc(8);
const registers = new Uint8Array(registerCount);

export function isSketch(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < sketchHeaderBytes) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[start + i] !== magic[i]) return false;
  const encoding = bytes[start + encodingAt]!;
  return encoding === isSparse || (encoding === isDense && end - start === denseBytes);
}

export function isSketchDense(bytes: Uint8Array, start: number): boolean {
  return bytes[start + encodingAt] === isDense;
}

/** Whether a sketch keeps its cardinality: eight bytes from `cardinalityAt` on. */
export function hasCardinality(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + cacheFlagAt]! & cacheFlag) === 0;
}

export function registerAt(bytes: Uint8Array, start: number, register: number): number {
  const at = start + ((register * 6) >> 3);
  const shift = (register * 6) & 7;
  // The last register ends with its byte: what is behind it does not count.
  return ((bytes[at]! >> shift) | ((bytes[at + 1] ?? 0) << (8 - shift))) & 63;
}

/** Where the bits of a register begin, in one byte or two. */
export function registerByte(register: number): number {
  return sketchHeaderBytes + ((register * 6) >> 3);
}

/** `start` is where the registers begin. */
export function setRegister(bytes: Uint8Array, start: number, register: number, run: number): void {
  setRegisterBits(bytes, start + ((register * 6) >> 3), (register * 6) & 7, run);
}

/** The six bits that begin `shift` bits above the lowest one of byte `at`. */
export function setRegisterBits(bytes: Uint8Array, at: number, shift: number, run: number): void {
  bytes[at] = (bytes[at]! & ~(63 << shift)) | (run << shift);
  if (shift > 2) bytes[at + 1] = (bytes[at + 1]! & ~(63 >> (8 - shift))) | (run >> (8 - shift));
}

/** Raises `target` to the registers of the sketch `bytes[start, end)`. False where its operations do not make up all registers. */
export function mergeRegisters(target: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (isSketchDense(bytes, start)) {
    for (let i = 0; i < registerCount; i++) {
      const run = registerAt(bytes, start + sketchHeaderBytes, i);
      if (run > target[i]!) target[i] = run;
    }
    return true;
  }
  let register = 0;
  for (let at = start + sketchHeaderBytes; at < end;) {
    const operation = bytes[at]!;
    const value = valueOf(operation);
    const until = register + spanAt(bytes, at, end);
    if (value > 0) {
      if (until > registerCount) return false;
      for (; register < until; register++) if (value > target[register]!) target[register] = value;
    }
    register = until;
    at += isLongZero(operation) ? 2 : 1;
  }
  return register === registerCount;
}

function isLongZero(operation: number): boolean {
  return (operation & 0xc0) === 0x40;
}

/** What the registers of an operation are; 0 of those of zeros. */
export function valueOf(operation: number): number {
  return operation >= 0x80 ? ((operation >> 2) & 31) + 1 : 0;
}

/** How many registers an operation is about. One that `end` cuts off goes on with a byte 0, as in redis. */
export function spanAt(bytes: Uint8Array, at: number, end: number): number {
  const operation = bytes[at]!;
  if (operation >= 0x80) return (operation & 3) + 1;
  if (operation < 0x40) return operation + 1;
  return (((operation & 63) << 8) | (at + 1 < end ? bytes[at + 1]! : 0)) + 1;
}

function valueOperation(value: number, run: number): number {
  return 0x80 | ((value - 1) << 2) | (run - 1);
}

/** `run` registers of that value, which may be none; returns where the next operation goes. */
function writeRun(target: Uint8Array, at: number, value: number, run: number): number {
  if (run === 0) return at;
  if (value === 0) return writeZeros(target, at, run);
  target[at] = valueOperation(value, run);
  return at + 1;
}

function writeZeros(target: Uint8Array, at: number, run: number): number {
  if (run <= zeroMax) {
    target[at] = run - 1;
    return at + 1;
  }
  const length = Math.min(run, longZeroMax) - 1;
  target[at] = 0x40 | (length >> 8);
  target[at + 1] = length & 0xff;
  return at + 2;
}
