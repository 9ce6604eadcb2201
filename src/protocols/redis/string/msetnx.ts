/** MSETNX key value [key value ...]: all or, if one of the keys is there, none. */
import type { CommandContext } from "../core/context.ts";
import { wrongArity } from "../core/errors.ts";
import { assertReplaceable, keyExists, setString, writableKeysOf } from "../keys/key-access.ts";

export function msetnx(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount % 2 === 0) throw wrongArity("msetnx");
  const database = writableKeysOf(context);
  for (let index = 1; index < request.argumentCount; index += 2) {
    if (keyExists(context, database, index)) return reply.integer(0);
    // The name of an exchange is no key, but cannot become one.
    assertReplaceable(context, index);
  }
  for (let index = 1; index < request.argumentCount; index += 2)
    setString(context, database, index, index + 1, 0);
  reply.integer(1);
}
