/** What SCAN and its kin for one value (HSCAN) are given: a cursor, and options. */
import { compileListGlob, type Glob } from "../../../base/patterns/glob.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const unsigned64Max = 2n ** 64n - 1n;

export interface ScanOptions {
  glob: Glob | null;
  /** Of keys only. */
  type: string | null;
  count: number;
  /** Of hashes only. */
  hasNoValues: boolean;
}

/** The arguments from `first` on, for a scan of `scanned`. Throws. */
export function parseScanOptions(
  request: RequestArguments,
  first: number,
  scanned: "keys" | "hash" | "members",
): ScanOptions {
  const options: ScanOptions = { glob: null, type: null, count: 10, hasNoValues: false };
  for (let index = first; index < request.argumentCount; index++) {
    if (request.is(index, "NOVALUES")) {
      if (scanned !== "hash") throw new RedisError("ERR NOVALUES option can only be used in HSCAN");
      options.hasNoValues = true;
      continue;
    }
    if (index + 1 === request.argumentCount) throw syntaxError();
    if (request.is(index, "COUNT")) {
      options.count = request.integer(++index);
      if (Number.isNaN(options.count)) throw new RedisError(errorTexts.notInteger);
      if (options.count < 1) throw syntaxError();
    } else if (request.is(index, "MATCH")) options.glob = compileListGlob(request.copy(++index));
    else if (scanned === "keys" && request.is(index, "TYPE"))
      options.type = request.latin1(++index).toLowerCase();
    else throw syntaxError();
  }
  return options;
}

/**
 * As C's strtoul reads a C string: any number of 64 bits up to a NUL byte, none is 0, and a negative one wraps. Those that are none of our
 * cursors end the scan.
 */
export function parseCursor(text: string): number {
  const end = text.indexOf("\0");
  const digits = end < 0 ? text : text.slice(0, end);
  if (digits === "") return 0;
  const match = /^([+-]?)0*(\d{1,20})$/.exec(digits);
  const value = match === null ? unsigned64Max + 1n : BigInt(match[2]!);
  if (value > unsigned64Max) throw new RedisError("ERR invalid cursor");
  return Number(match![1] === "-" ? BigInt.asUintN(64, -value) : value);
}
