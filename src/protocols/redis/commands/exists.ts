/** EXISTS key [key ...]: how many of them are there, one named twice counts twice. */
import type { CommandContext } from "../context.ts";
import { keyExists, keysOf } from "../key-access.ts";

export function exists(context: CommandContext): void {
  const { request, reply } = context;
  const database = keysOf(context);
  let count = 0;
  for (let index = 1; index < request.argumentCount; index++)
    if (keyExists(context, database, index)) count++;
  reply.integer(count);
}
