/** XLEN key */
import type { CommandContext } from "../context.ts";
import { findStream } from "../streams.ts";

export function xlen(context: CommandContext): void {
  context.reply.integer(findStream(context, 1)?.log.length ?? 0);
}
