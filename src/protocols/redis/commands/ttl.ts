/** TTL key */
import type { CommandContext } from "../context.ts";
import { replyKeyTime } from "../key-time.ts";

export function ttl(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: true, isAbsolute: false });
}
