/** What BITCOUNT and BITPOS share: in which units a range is, and how much of a long string one slice looks at. */
import { syntaxError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

/** A string or range of more bytes than this is looked at in slices of so many. */
export const sliceBytes = 64 << 10;
/** About 1 GB/s. */
export const unitsOfSlice = 64;

/** Whether argument `index` says BIT; false for BYTE. Throws. */
export function isOfBits(request: RequestArguments, index: number): boolean {
  if (request.is(index, "BIT")) return true;
  if (request.is(index, "BYTE")) return false;
  throw syntaxError();
}
