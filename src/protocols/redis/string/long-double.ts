/**
 * The 80-bit floats that redis uses for INCRBYFLOAT on x86: 64 bits of mantissa, rounded to nearest, ties to even.
 *
 * A sum of decimals then has the very digits that redis gives ("3.1 + 0.2 = 3.3"), which doubles would not. Not here:
 * subnormals, which print as 0 anyway. Invariant: a mantissa is 0 or has exactly 64 bits.
 */

const mantissaBits = 64;
const textBytesMax = 5 * 1024 - 1;
/** Powers of ten beyond this do not fit, whatever the digits. */
const decimalExponentMax = 5000;
/** The same for powers of two: 4 for each digit, and what they scale. */
const hexExponentMax = 4 * textBytesMax + 20_000;
const exponentMax = 16383 - 63;
const fractionDigits = 17;

/** `mantissa * 2^exponent`, signed. */
export interface LongDouble {
  readonly isNegative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly isInfinite: boolean;
}

const decimalPattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

const hexPattern = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;

/** What C's strtold takes whole, without blanks and NaN; undefined when refused or out of range. */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length > textBytesMax) return undefined;
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity !== null)
    return { isNegative: infinity[1] === "-", mantissa: 0n, exponent: 0, isInfinite: true };
  const match = decimalPattern.exec(text);
  if (match === null) return parseHex(text);
  const [, sign, whole, fraction = "", power = "0"] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(`0${whole}${fraction}`);
  const isNegative = sign === "-";
  if (digits === 0n) return rounded(isNegative, 0n, 1n);
  const exponent = Number(power) - fraction.length;
  if (Math.abs(exponent) > decimalExponentMax) return undefined;
  const scale = 10n ** BigInt(Math.abs(exponent));
  const value = exponent >= 0 ? rounded(isNegative, digits * scale, 1n) : rounded(isNegative, digits, scale);
  return value.isInfinite || value.exponent < -exponentMax ? undefined : value;
}

function parseHex(text: string): LongDouble | undefined {
  const match = hexPattern.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = "", power = "0"] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(`0x0${whole}${fraction}`);
  const exponent = Number(power) - 4 * fraction.length;
  if (digits !== 0n && Math.abs(exponent) > hexExponentMax) return undefined;
  const scale = 1n << BigInt(digits === 0n ? 0 : Math.abs(exponent));
  const isNegative = sign === "-";
  const value = exponent >= 0 ? rounded(isNegative, digits * scale, 1n) : rounded(isNegative, digits, scale);
  return value.isInfinite || value.exponent < -exponentMax ? undefined : value;
}

/** The sum; undefined when it is no finite number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.isInfinite || b.isInfinite) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = aligned(a, exponent) + aligned(b, exponent);
  const magnitude = sum < 0n ? -sum : sum;
  const value =
    exponent >= 0
      ? rounded(sum < 0n, magnitude << BigInt(exponent), 1n)
      : rounded(sum < 0n, magnitude, 1n << BigInt(-exponent));
  return value.isInfinite ? undefined : value;
}

function aligned({ isNegative, mantissa, exponent }: LongDouble, to: number): bigint {
  const value = mantissa << BigInt(exponent - to);
  return isNegative ? -value : value;
}

/** `%.17Lf` without trailing zeros. */
export function formatLongDouble({ isNegative, mantissa, exponent }: LongDouble): string {
  const scaled = mantissa * 10n ** BigInt(fractionDigits);
  const units = exponent >= 0 ? scaled << BigInt(exponent) : divideToEven(scaled, 1n << BigInt(-exponent));
  const digits = units.toString().padStart(fractionDigits + 1, "0");
  let fraction = digits.slice(-fractionDigits);
  while (fraction.endsWith("0")) fraction = fraction.slice(0, -1);
  const text = digits.slice(0, -fractionDigits) + (fraction === "" ? "" : `.${fraction}`);
  return isNegative && units !== 0n ? `-${text}` : text;
}

/** `numerator / denominator` in 64 bits. */
function rounded(isNegative: boolean, numerator: bigint, denominator: bigint): LongDouble {
  if (numerator === 0n) return { isNegative: false, mantissa: 0n, exponent: 0, isInfinite: false };
  let exponent = bitLength(numerator) - bitLength(denominator) - mantissaBits;
  let mantissa = scaledQuotient(numerator, denominator, exponent);
  if (bitLength(mantissa) > mantissaBits) mantissa = scaledQuotient(numerator, denominator, ++exponent);
  if (bitLength(mantissa) > mantissaBits) {
    // Rounding up carried into another bit: the mantissa is a power of two.
    mantissa >>= 1n;
    exponent++;
  }
  return { isNegative, mantissa, exponent, isInfinite: exponent > exponentMax };
}

function scaledQuotient(numerator: bigint, denominator: bigint, exponent: number): bigint {
  return exponent >= 0
    ? divideToEven(numerator, denominator << BigInt(exponent))
    : divideToEven(numerator << BigInt(-exponent), denominator);
}

function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) * 2n;
  const roundsUp = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return roundsUp ? quotient + 1n : quotient;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}
