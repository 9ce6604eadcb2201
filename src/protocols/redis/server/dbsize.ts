/** DBSIZE: strings and streams; keys whose time has come count until they are removed, as in redis. */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";

export function dbsize(context: CommandContext): void {
  context.reply.integer(keysOf(context).size + context.server.streamCounts.visible(context));
}
