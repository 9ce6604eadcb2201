/** Numbers of Lua as redis spells and cuts them. */
import { formatDouble } from "../../wire/numbers.ts";

const two63 = 2 ** 63;
const int64Min = -(2n ** 63n);

/** As C casts a double to a 64-bit integer on x86-64: what does not fit, and what is no number, is the least one. */
export function truncated(value: number): number | bigint {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return whole === 0 ? 0 : whole;
  return whole >= -two63 && whole < two63 ? BigInt(whole) : int64Min;
}

/** As an argument of a command: `%.17g`. */
export function argumentText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e17 && !Object.is(value, -0)) return String(value);
  if (Number.isNaN(value)) return value === value ? "nan" : "-nan";
  return Object.is(value, -0) ? "-0" : formatDouble(value);
}
