/** DBSIZE: strings and streams; keys whose time has come count until they are removed, as in redis. */
import type { CommandContext } from "../context.ts";
import { keysOf, visibleStreams } from "../key-access.ts";

export function dbsize(context: CommandContext): void {
  let size = keysOf(context).size;
  for (const _ of visibleStreams(context)) size++;
  context.reply.integer(size);
}
