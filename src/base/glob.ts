/**
 * Redis's glob patterns over bytes, compiled once: `*`, `?`, `[abc]`, `[^a-z]`, `\x`.
 *
 * Not here: which names are tried. The answers are those of redis 7.0's stringmatchlen, also where they surprise:
 * an empty text matches only the empty pattern, a class without its `]` ends with the pattern, a range compares
 * bytes as signed, and a pattern with more than 1000 separate stars (a last one not counted) matches nothing.
 * Invariant: matching goes back to the latest star only, so it takes at most text length x pattern length steps.
 */

const anyByte = 256;
const anyRun = 257;
const firstClass = 258;
const starsMax = 1000;

const star = 0x2a;
const dash = 0x2d;
const question = 0x3f;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const caret = 0x5e;

class Glob {
  /** Each step: a byte, any byte, any run, or `firstClass` + the number of a class. */
  readonly #steps: Int32Array;
  /** 256 flags for each class. */
  readonly #classes: Uint8Array;
  readonly #ignoreCase: boolean;
  readonly #isHopeless: boolean;
  /** The steps before the first that is not a plain byte: every match begins with these bytes. */
  readonly prefix: Uint8Array;
  /** Nothing but plain bytes: it matches exactly one text. */
  readonly isLiteral: boolean;

  constructor(pattern: Uint8Array, ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    const compiled = compile(pattern, ignoreCase);
    this.#steps = compiled.steps;
    this.#classes = compiled.classes;
    let plain = 0;
    while (plain < this.#steps.length && this.#steps[plain]! < anyByte) plain++;
    this.prefix = Uint8Array.from(this.#steps.subarray(0, plain));
    this.isLiteral = plain === this.#steps.length;
    let stars = 0;
    for (let i = 0; i < this.#steps.length - 1; i++) if (this.#steps[i] === anyRun) stars++;
    this.#isHopeless = stars > starsMax;
  }

  matches(text: Uint8Array, start = 0, end: number = text.length): boolean {
    const steps = this.#steps;
    const stepCount = steps.length;
    if (start === end) return stepCount === 0;
    if (this.#isHopeless) return false;
    const classes = this.#classes;
    const ignoreCase = this.#ignoreCase;
    let step = 0;
    let at = start;
    let starStep = -1;
    let starAt = 0;
    while (at < end) {
      if (step < stepCount) {
        const wanted = steps[step]!;
        if (wanted === anyRun) {
          if (step + 1 === stepCount) return true;
          starStep = ++step;
          starAt = at;
          continue;
        }
        const byte = text[at]!;
        if (
          wanted < anyByte
            ? wanted === (ignoreCase ? lower(byte) : byte)
            : wanted === anyByte || classes[((wanted - firstClass) << 8) | byte] === 1
        ) {
          step++;
          at++;
          continue;
        }
      }
      // Only the latest star can help: what an earlier one could take more of, this one can take as well.
      if (starStep < 0) return false;
      step = starStep;
      at = ++starAt;
    }
    while (step < stepCount && steps[step] === anyRun) step++;
    return step === stepCount;
  }
}

/** Patterns are compiled when they are subscribed to, and matched many times. */
export function compileGlob(pattern: Uint8Array, options: { readonly ignoreCase?: boolean } = {}): Glob {
  return new Glob(pattern, options.ignoreCase ?? false);
}

export type { Glob };

function compile(pattern: Uint8Array, ignoreCase: boolean): { steps: Int32Array; classes: Uint8Array } {
  const steps: number[] = [];
  const classes: Uint8Array[] = [];
  let at = 0;
  while (at < pattern.length) {
    const byte = pattern[at]!;
    if (byte === star) {
      if (steps.at(-1) !== anyRun) steps.push(anyRun);
      at++;
    } else if (byte === question) {
      steps.push(anyByte);
      at++;
    } else if (byte === openBracket) {
      const flags = new Uint8Array(256);
      at = readClass(pattern, at + 1, flags, ignoreCase);
      steps.push(firstClass + classes.length);
      classes.push(flags);
    } else {
      if (byte === backslash && at + 1 < pattern.length) at++;
      steps.push(ignoreCase ? lower(pattern[at]!) : pattern[at]!);
      at++;
    }
  }
  const flat = new Uint8Array(classes.length * 256);
  classes.forEach((flags, i) => flat.set(flags, i * 256));
  return { steps: Int32Array.from(steps), classes: flat };
}

/** Reads a class behind its `[` into 256 flags; gives the position behind its `]`. */
function readClass(pattern: Uint8Array, from: number, flags: Uint8Array, ignoreCase: boolean): number {
  let at = from;
  const negated = pattern[at] === caret;
  if (negated) at++;
  while (at < pattern.length && pattern[at] !== closeBracket) {
    if (pattern[at] === backslash && at + 1 < pattern.length) {
      flags[pattern[at + 1]!] = 1;
      at += 2;
    } else if (at + 2 < pattern.length && pattern[at + 1] === dash) {
      setRange(flags, pattern[at]!, pattern[at + 2]!, ignoreCase);
      at += 3;
    } else {
      setRange(flags, pattern[at]!, pattern[at]!, ignoreCase);
      at++;
    }
  }
  if (negated) for (let i = 0; i < 256; i++) flags[i] = 1 - flags[i]!;
  return Math.min(at + 1, pattern.length);
}

/** Bounds may come in either order; bytes from 128 on are negative, as in redis on the usual machines. */
function setRange(flags: Uint8Array, from: number, to: number, ignoreCase: boolean): void {
  const a = signed(from);
  const b = signed(to);
  let low = Math.min(a, b);
  let high = Math.max(a, b);
  if (ignoreCase) {
    low = signed(lower(low & 0xff));
    high = signed(lower(high & 0xff));
  }
  for (let byte = 0; byte < 256; byte++) {
    const value = signed(ignoreCase ? lower(byte) : byte);
    if (value >= low && value <= high) flags[byte] = 1;
  }
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
