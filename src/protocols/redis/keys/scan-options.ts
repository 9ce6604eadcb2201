/** What SCAN and its kin for one value (HSCAN) are given: a cursor, and options. */
import { compileGlob, type Glob } from "../../../base/patterns/glob.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const unsigned64Max = 2n ** 64n - 1n;

export interface ScanOptions {
  glob: Glob | null;
  /** Of keys only. */
  type: string | null;
  count: number;
}

/** The arguments from `first` on. Throws. */
export function parseScanOptions(request: RequestArguments, first: number, isOfKeys: boolean): ScanOptions {
  const options: ScanOptions = { glob: null, type: null, count: 10 };
  for (let index = first; index < request.argumentCount; index += 2) {
    if (index + 1 === request.argumentCount) throw syntaxError();
    if (request.is(index, "COUNT")) {
      options.count = request.integer(index + 1);
      if (Number.isNaN(options.count)) throw new RedisError(errorTexts.notInteger);
      if (options.count < 1) throw syntaxError();
    } else if (request.is(index, "MATCH")) options.glob = compileGlob(request.copy(index + 1));
    else if (isOfKeys && request.is(index, "TYPE")) options.type = request.latin1(index + 1).toLowerCase();
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
