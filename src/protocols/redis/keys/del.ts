/** DEL key [key ...] */
import type { CommandContext } from "../core/context.ts";
import { replyCountOfKeys } from "./key-count.ts";
import { removeKey, writableKeysOf } from "./key-access.ts";

export function deleteKeys(context: CommandContext): void {
  const database = writableKeysOf(context);
  replyCountOfKeys(context, unitsOfKey, (index) => removeKey(context, database, index));
}

/** A string; a stream takes longer. */
const unitsOfKey = 1;
