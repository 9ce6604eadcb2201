/** XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...] */
import { BlockedRead } from "../core/blocking.ts";
import type { CommandContext } from "../core/context.ts";
import { parseRead, serve } from "./read.ts";

export function xread(context: CommandContext): void {
  readOrWait(context, false);
}

/** Also XREADGROUP: replies, or says that there is nothing, or waits. */
export function readOrWait(context: CommandContext, isGroupRead: boolean): void {
  const read = parseRead(context, isGroupRead);
  if (serve(context, read)) return;
  if (read.blockMs < 0 || context.isInTransaction) return context.reply.nullArray();
  context.session.blocked = new BlockedRead(context, read);
}
