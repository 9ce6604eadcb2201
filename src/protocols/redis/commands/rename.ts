/** RENAME key newkey */
import type { CommandContext } from "../context.ts";
import { renameKey } from "../key-copy.ts";

export function rename(context: CommandContext): void {
  renameKey(context, true);
  context.reply.ok();
}
