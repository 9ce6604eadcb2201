/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] */
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { parseTrimOption, settleTrimOptions, trim, TrimOptions } from "./trim.ts";
import { findStream } from "./find.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const xtrimCommand: CommandRow = {
  name: "xtrim",
  arity: -4,
  flags: ["write"],
  keys: [oneKey(1, "RW", "delete")],
  tips: ["nondeterministic_output"],
  since: "5.0.0",
  complexity: "O(N), N entries removed",
  summary: "Shortens a stream.",
  run: xtrim,
};

const options = new TrimOptions();

function xtrim(context: CommandContext): void {
  const { request, reply } = context;
  options.reset();
  for (let at = 2; at < request.argumentCount;) {
    const next = parseTrimOption(context, at, options);
    if (next === at) throw syntaxError();
    at = next;
  }
  if (options.limit === 0 && options.strategy === "none")
    throw new RedisError("ERR syntax error, XTRIM must be called with a trimming strategy");
  settleTrimOptions(context, options);
  const queue = findStream(context, 1);
  const trimmed = queue === undefined ? 0 : trim(context, queue, options);
  if (trimmed > 0) {
    context.keyChanged(1);
    context.notify(keyEvents.xtrim, 1);
  }
  reply.integer(trimmed);
}
