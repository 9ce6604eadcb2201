/**
 * Numbers as redis spells them: strict integers (its string2ll), floats (its string2d) and the `%.17g` of its replies.
 *
 * Not here: what a number means to a command. Invariant: an integer that is accepted is spelt in the only way redis
 * would print it, so text and number are interchangeable.
 */

const safeDigitsMax = 15;
/** Powers of ten up to this are exact as doubles. */
const exactPowerMax = 1e22;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
/** Of a float, which redis takes of any length. */
const floatBytesMax = 4096;
const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;

/** `-?[1-9][0-9]*` or `0` within 64 bits, else NaN. Beyond 2^53 the result is rounded. */
export function parseInteger(buffer: Uint8Array, start: number, end: number): number {
  const negative = start < end && buffer[start] === 0x2d;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 19) return NaN;
  if (buffer[first] === 0x30) return digits === 1 && !negative ? 0 : NaN;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (digits > safeDigitsMax) {
    const exact = parseBigInteger(buffer, start, end);
    return exact === undefined ? NaN : Number(exact);
  }
  return negative ? -value : value;
}

/** The same, exact. */
export function parseBigInteger(buffer: Uint8Array, start: number, end: number): bigint | undefined {
  const negative = start < end && buffer[start] === 0x2d;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 19) return undefined;
  if (buffer[first] === 0x30) return digits === 1 && !negative ? 0n : undefined;
  // Two halves that fit a double each: no text is made.
  let high = 0;
  let low = 0;
  let lowScale = 1;
  for (let at = first; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    if (at - first < 10) high = high * 10 + digit;
    else {
      low = low * 10 + digit;
      lowScale *= 10;
    }
  }
  const magnitude = BigInt(high) * BigInt(lowScale) + BigInt(low);
  const value = negative ? -magnitude : magnitude;
  return value > int64Max || value < int64Min ? undefined : value;
}

/**
 * A number as redis reads the bounds of a range of scores: what C's strtod takes whole, up to a byte 0. Blanks may stand before it;
 * what overflows is infinite, what underflows is 0, and so is nothing at all. NaN when refused.
 */
export function parseFloatLoose(buffer: Uint8Array, start: number, end: number): number {
  const plain = parsePlainDecimal(buffer, start, end);
  if (!Number.isNaN(plain)) return plain;
  if (end - start > floatBytesMax) return NaN;
  let text = "";
  for (let at = start; at < end && buffer[at] !== 0; at++) text += String.fromCharCode(buffer[at]!);
  if (text === "") return 0;
  const found = /^[ \t\n\v\f\r]*([+-]?)(.+)$/.exec(text);
  if (found === null) return NaN;
  const value = magnitudeOf(found[2]!.toLowerCase());
  return found[1] === "-" ? -value : value;
}

/**
 * `-?digits[.digits]` where all digits are a safe integer: the quotient of two exact doubles is rounded once, as strtod's result is. NaN:
 * it is spelt otherwise, or refused.
 */
function parsePlainDecimal(buffer: Uint8Array, start: number, end: number): number {
  const isNegative = start < end && buffer[start] === minus;
  let value = 0;
  let scale = 0;
  let digits = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at++) {
    const byte = buffer[at]!;
    if (byte === point && scale === 0) {
      scale = 1;
      continue;
    }
    const digit = byte - zero;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
    scale *= 10;
    digits++;
  }
  if (digits === 0 || value > Number.MAX_SAFE_INTEGER || scale > exactPowerMax) return NaN;
  const magnitude = scale > 1 ? value / scale : value;
  return isNegative ? -magnitude : magnitude;
}

/** Without a sign, in lower case. */
function magnitudeOf(text: string): number {
  if (text === "inf" || text === "infinity") return Infinity;
  if (!text.startsWith("0x")) return isSpelt(text) ? Number(text) : NaN;
  const found = /^0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/.exec(text);
  const digits = `${found?.[1] ?? ""}${found?.[2] ?? ""}`;
  if (digits === "") return NaN;
  const exponent = Number(found![3] ?? 0) - 4 * (found![2]?.length ?? 0);
  return Number(BigInt(`0x${digits}`)) * 2 ** exponent;
}

/**
 * A number as redis reads scores and increments: what C's strtod takes whole, except blanks, NaN, and values that
 * overflow or underflow. NaN when refused.
 */
export function parseFloatStrict(buffer: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size < 1 || size > floatBytesMax) return NaN;
  const plain = parsePlainDecimal(buffer, start, end);
  if (!Number.isNaN(plain)) return plain;
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(buffer[at]!);
  const sign = text.charCodeAt(0);
  const signed = sign === 0x2b || sign === 0x2d;
  const body = (signed ? text.slice(1) : text).toLowerCase();
  const value = magnitudeOf(body);
  if ((value === Infinity && !body.startsWith("inf")) || (value === 0 && hasNonZeroDigit(body))) return NaN;
  return sign === 0x2d ? -value : value;
}

/** digits [. digits] [e [sign] digits], at least one digit in the first two. */
function isSpelt(text: string): boolean {
  let at = 0;
  let digits = 0;
  const isDigit = (): boolean => {
    const code = text.charCodeAt(at);
    return code >= 0x30 && code <= 0x39;
  };
  for (; isDigit(); at++) digits++;
  if (text[at] === ".") {
    at++;
    for (; isDigit(); at++) digits++;
  }
  if (digits === 0) return false;
  if (text[at] === "e") {
    at++;
    if (text[at] === "+" || text[at] === "-") at++;
    if (!isDigit()) return false;
    while (isDigit()) at++;
  }
  return at === text.length;
}

/** Before the exponent. */
function hasNonZeroDigit(text: string): boolean {
  return text.startsWith("0x") ? /^0x[0.]*[1-9a-f]/.test(text) : /^[0.]*[1-9]/.test(text);
}

/** A double as redis 7.0 prints it: C's `%.17g`, with inf, -inf and nan. */
export function formatDouble(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Number.isNaN(value)) return "nan";
  const rounded = value.toExponential(16);
  const exponent = Number(rounded.slice(rounded.indexOf("e") + 1));
  if (exponent < -4 || exponent >= 17) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${withoutTrailingZeros(mantissaOf(value, exponent))}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  return withoutTrailingZeros(formatFixed(value, Math.max(0, 16 - exponent)));
}

/** Halfway between two numbers of so many decimals: a binary fraction has as many decimals as bits, and ends with 5. */
function isHalfway(value: number, decimals: number): boolean {
  const scaled = value * 2 ** (decimals + 1);
  return Number.isInteger(scaled) && scaled % 2 !== 0;
}

/** C's `%.*f`. JavaScript takes what is halfway up, C to the even digit. */
export function formatFixed(value: number, decimals: number): string {
  // C prints its sign.
  if (Object.is(value, -0)) return `-${value.toFixed(decimals)}`;
  const up = value.toFixed(decimals);
  if (!isHalfway(value, decimals)) return up;
  const exact = value.toFixed(decimals + 1);
  const down = exact.slice(0, decimals === 0 ? -2 : -1);
  return isEven(down.at(-1)!) ? down : up;
}

/** 17 digits, likewise. */
function mantissaOf(value: number, exponent: number): string {
  const up = value.toExponential(16);
  const digits = up.slice(0, up.indexOf("e"));
  if (exponent > 16 || !isHalfway(value, 16 - exponent)) return digits;
  const exact = value.toExponential(17);
  const down = exact.slice(0, exact.indexOf("e") - 1);
  return isEven(down.at(-1)!) ? down : digits;
}

function isEven(digit: string): boolean {
  return Number(digit) % 2 === 0;
}

function withoutTrailingZeros(text: string): string {
  if (!text.includes(".")) return text;
  let end = text.length;
  while (text[end - 1] === "0") end--;
  return text.slice(0, text[end - 1] === "." ? end - 1 : end);
}
