/**
 * A glob pattern as a list of numbers, one for each byte, any byte, class or star. Runs of stars are one star; a class of one
 * byte is that byte. Not here: matching. Invariant: a step takes two bytes, however it was written; equal classes are kept
 * once.
 */

/** Codes: a byte, any byte, any run, or `firstClass` + the number of a class. */
export const anyByte = 256;
export const anyRun = 257;
export const firstClass = 258;

export interface GlobSteps {
  readonly codes: Uint16Array;
  /** 256 bits for each class. */
  readonly classes: Uint32Array;
}

const classWords = 8;
const noClasses = new Uint32Array(0);

const star = 0x2a;
const dash = 0x2d;
const question = 0x3f;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const caret = 0x5e;

export function hasByte(classes: Uint32Array, index: number, byte: number): boolean {
  return ((classes[index * classWords + (byte >> 5)]! >>> (byte & 31)) & 1) === 1;
}

export function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

export function compileSteps(pattern: Uint8Array, ignoreCase: boolean): GlobSteps {
  const codes = new Uint16Array(pattern.length);
  const classes = new ClassList();
  let length = 0;
  let at = 0;
  while (at < pattern.length) {
    const byte = pattern[at]!;
    if (byte === star) {
      if (length === 0 || codes[length - 1] !== anyRun) codes[length++] = anyRun;
      at++;
    } else if (byte === question) {
      codes[length++] = anyByte;
      at++;
    } else if (byte === openBracket) {
      const bits = classes.next();
      at = readClass(pattern, at + 1, bits, ignoreCase);
      codes[length++] = ignoreCase ? classes.codeOf(bits) : (onlyByte(bits) ?? classes.codeOf(bits));
    } else {
      if (byte === backslash && at + 1 < pattern.length) at++;
      codes[length++] = ignoreCase ? lower(pattern[at]!) : pattern[at]!;
      at++;
    }
  }
  return { codes: length === codes.length ? codes : codes.slice(0, length), classes: classes.all() };
}

/** The classes of one pattern, each kept once. */
class ClassList {
  readonly #numbers = new Map<string, number>();
  readonly #kept: Uint32Array[] = [];
  readonly #scratch = new Uint32Array(classWords);

  next(): Uint32Array {
    return this.#scratch.fill(0);
  }

  codeOf(bits: Uint32Array): number {
    const key = bits.join();
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#kept.push(bits.slice()) - 1;
      this.#numbers.set(key, number);
    }
    return firstClass + number;
  }

  all(): Uint32Array {
    if (this.#kept.length === 0) return noClasses;
    const flat = new Uint32Array(this.#kept.length * classWords);
    this.#kept.forEach((bits, i) => flat.set(bits, i * classWords));
    return flat;
  }
}

/** The byte of a class of one; undefined for others. */
function onlyByte(bits: Uint32Array): number | undefined {
  const word = bits.findIndex((each) => each !== 0);
  if (word < 0) return undefined;
  const value = bits[word]!;
  if ((value & (value - 1)) !== 0 || bits.findLastIndex((each) => each !== 0) !== word) return undefined;
  return word * 32 + 31 - Math.clz32(value);
}

/** Reads a class behind its `[` into 256 bits; gives the position behind its `]`. */
function readClass(pattern: Uint8Array, from: number, bits: Uint32Array, ignoreCase: boolean): number {
  let at = from;
  const negated = pattern[at] === caret;
  if (negated) at++;
  while (at < pattern.length && pattern[at] !== closeBracket) {
    if (pattern[at] === backslash && at + 1 < pattern.length) {
      setByte(bits, pattern[at + 1]!);
      at += 2;
    } else if (at + 2 < pattern.length && pattern[at + 1] === dash) {
      setRange(bits, pattern[at]!, pattern[at + 2]!, ignoreCase);
      at += 3;
    } else {
      setRange(bits, pattern[at]!, pattern[at]!, ignoreCase);
      at++;
    }
  }
  if (negated) for (let i = 0; i < classWords; i++) bits[i] = ~bits[i]!;
  return Math.min(at + 1, pattern.length);
}

function setByte(bits: Uint32Array, byte: number): void {
  bits[byte >> 5]! |= 1 << (byte & 31);
}

/** Bounds may come in either order; bytes from 128 on are negative, as in redis on the usual machines. */
function setRange(bits: Uint32Array, from: number, to: number, ignoreCase: boolean): void {
  let low = Math.min(signed(from), signed(to));
  let high = Math.max(signed(from), signed(to));
  if (ignoreCase) {
    low = signed(lower(low & 0xff));
    high = signed(lower(high & 0xff));
  }
  for (let value = low; value <= high; value++) {
    const byte = value & 0xff;
    const isUpper = ignoreCase && lower(byte) !== byte;
    if (!isUpper) setByte(bits, byte);
    if (ignoreCase && byte >= 0x61 && byte <= 0x7a) setByte(bits, byte - 0x20);
  }
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
