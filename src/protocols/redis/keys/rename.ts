/** RENAME key newkey */
import type { CommandContext } from "../core/context.ts";
import { renameKey } from "./key-copy.ts";

export function rename(context: CommandContext): void {
  renameKey(context, true);
  context.reply.ok();
}
