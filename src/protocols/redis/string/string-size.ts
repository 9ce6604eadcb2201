/** The longest string: what redis's proto-max-bulk-len is by default, which no request can carry more than. */
import { RedisError } from "../core/errors.ts";

export const stringBytesMax = 512 << 20;

export function assertStringSize(size: number): void {
  if (size > stringBytesMax)
    throw new RedisError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}
