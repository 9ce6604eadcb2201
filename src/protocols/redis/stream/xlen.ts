/** XLEN key */
import type { CommandContext } from "../core/context.ts";
import { findStream } from "./find.ts";

export function xlen(context: CommandContext): void {
  context.reply.integer(findStream(context, 1)?.log.length ?? 0);
}
