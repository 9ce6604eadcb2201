/** Numbers of Lua as redis spells and cuts them. */
import { formatDouble } from "../../wire/numbers.ts";

const two31 = 2 ** 31;
const two63 = 2 ** 63;
const int64Min = -(2n ** 63n);

/** As C casts a double to a 64-bit integer on x86-64: what does not fit, and what is no number, is the least one. */
export function truncated(value: number): number | bigint {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return whole === 0 ? 0 : whole;
  return whole >= -two63 && whole < two63 ? BigInt(whole) : int64Min;
}

/** `(int)(long)value`: the lower 32 bits of the whole part, as `luaL_checkint` takes a number. */
export function lowBits(value: number): number {
  return Math.abs(value) < two63 ? value | 0 : 0;
}

/** `(long)value`, as a double. */
export function truncatedLong(value: number): number {
  return Math.abs(value) < two63 ? Math.trunc(value) : -two63;
}

/** `(int)value`: what does not fit is the least one. */
export function truncatedInt(value: number): number {
  const whole = Math.trunc(value);
  return whole >= -two31 && whole < two31 ? whole | 0 : -two31;
}

/** As an argument of a command: `%.17g`. */
export function argumentText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e17 && !Object.is(value, -0)) return String(value);
  if (Number.isNaN(value)) return value === value ? "nan" : "-nan";
  return Object.is(value, -0) ? "-0" : formatDouble(value);
}

/** C's `%.Ng`. */
export function generalText(value: number, precision: number): string {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Number.isNaN(value)) return "nan";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** precision) return String(value);
  const [mantissa, exponentText] = exponential(value, precision - 1).split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= precision) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  return trimmed(placed(mantissa, exponent));
}

/** More digits than a tie can have: of a double in between, all of them are zero. */
const tieDigits = 60;

/** `toExponential`, but what lies in the middle goes to the even digit, as C rounds. */
function exponential(value: number, digits: number): string {
  const rounded = value.toExponential(digits);
  const full = value.toExponential(Math.min(digits + tieDigits, 100));
  const kept = full.indexOf(".") + 1 + digits;
  if (!/^50*e/.test(full.slice(kept))) return rounded;
  const head = full.slice(0, kept).replace(/\.$/, "");
  if (Number(head.at(-1)) % 2 !== 0) return rounded;
  return head + full.slice(full.indexOf("e"));
}

/** The digits of a mantissa with the point where the exponent puts it. */
function placed(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}
