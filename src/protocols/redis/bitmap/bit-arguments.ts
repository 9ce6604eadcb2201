/** What commands on bits are given: an offset, a bit. */
import { RedisError } from "../core/errors.ts";
import { stringBytesMax } from "../string/string-size.ts";
import { parseBigInteger, parseInteger } from "../wire/numbers.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const hash = 0x23;

/**
 * The offset of a bit in argument `index`, inside of the longest string. With `width` an offset may begin with `#`: then it counts
 * integers of so many bits. Throws.
 */
export function bitOffset(request: RequestArguments, index: number, width = 0): number {
  const { buffer } = request;
  const start = request.starts[index]!;
  const isOfWidth = width > 0 && request.size(index) > 0 && buffer[start] === hash;
  const end = request.ends[index]!;
  const offset = isOfWidth
    ? wrappedProduct(parseBigInteger(buffer, start + 1, end), width)
    : parseInteger(buffer, start, end);
  if (!(offset >= 0 && offset < stringBytesMax * 8))
    throw new RedisError("ERR bit offset is not an integer or out of range");
  return offset;
}

/** Redis multiplies in 64 bits. */
function wrappedProduct(given: bigint | undefined, width: number): number {
  return given === undefined ? NaN : Number(BigInt.asIntN(64, given * BigInt(width)));
}
