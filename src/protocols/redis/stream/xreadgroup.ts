/** XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...] */
import type { CommandContext } from "../core/context.ts";
import { readOrWait } from "./xread.ts";

export function xreadgroup(context: CommandContext): void {
  readOrWait(context, true);
}
