/** DEL key [key ...] */
import type { CommandContext } from "../context.ts";
import { removeKey, writableKeysOf } from "../key-access.ts";

export function deleteKeys(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  let removed = 0;
  for (let index = 1; index < request.argumentCount; index++)
    if (removeKey(context, database, index)) removed++;
  reply.integer(removed);
}
