/** PEXPIRETIME key */
import type { CommandContext } from "../core/context.ts";
import { replyKeyTime } from "./key-time.ts";

export function pexpiretime(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: false, isAbsolute: true });
}
