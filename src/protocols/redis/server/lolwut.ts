/** LOLWUT [VERSION version] [...]: the version. Redis draws for versions 5 and 6 only. */
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { redisVersion } from "../core/names.ts";

export const lolwutCommand: CommandRow = {
  name: "lolwut",
  arity: -1,
  flags: ["readonly", "fast"],
  since: "5.0.0",
  summary: "Draws something, and tells the version.",
  run: lolwut,
};

function lolwut({ request, reply }: CommandContext): void {
  if (request.argumentCount >= 3 && request.is(1, "VERSION") && Number.isNaN(request.integer(2)))
    throw new RedisError(errorTexts.notInteger);
  reply.verbatim("txt", `Redis ver. ${redisVersion}\n`);
}
