/** MSET key value [key value ...] */
import type { CommandContext } from "../core/context.ts";
import { wrongArity } from "../core/errors.ts";
import { assertReplaceable, setString, writableKeysOf } from "../keys/key-access.ts";

export function mset(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount % 2 === 0) throw wrongArity("mset");
  const database = writableKeysOf(context);
  // All or nothing: whatever may be refused is refused before the first key is set.
  for (let index = 1; index < request.argumentCount; index += 2) assertReplaceable(context, index);
  for (let index = 1; index < request.argumentCount; index += 2)
    setString(context, database, index, index + 1, 0);
  reply.ok();
}
