/** RENAMENX key newkey */
import type { CommandContext } from "../core/context.ts";
import { renameKey } from "./key-copy.ts";

export function renamenx(context: CommandContext): void {
  context.reply.integer(renameKey(context, false) ? 1 : 0);
}
