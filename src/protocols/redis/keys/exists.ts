/** EXISTS key [key ...]: how many of them are there, one named twice counts twice. */
import type { CommandContext } from "../core/context.ts";
import { keyExists, keysOf } from "./key-access.ts";
import { replyCountOfKeys } from "./key-count.ts";

const unitsOfKey = 0.3;

export function exists(context: CommandContext): void {
  const database = keysOf(context);
  replyCountOfKeys(context, unitsOfKey, (index) => keyExists(context, database, index));
}
