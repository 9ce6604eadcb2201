/** TTL key */
import type { CommandContext } from "../core/context.ts";
import { replyKeyTime } from "./key-time.ts";

export function ttl(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: true, isAbsolute: false });
}
