/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED] */
import type { Job } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { parseTrimOption, planTrim, settleTrimOptions, trim, TrimOptions } from "./trim.ts";
import { type ReferencedTrim, trimReferenced } from "./references.ts";
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
  acts: ["removeEntries"],
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
  if (queue !== undefined && options.references !== "keep") {
    const plan = planTrim(context, queue, options);
    return answerInSlices(context, () => trimInSlices(context, queue, plan));
  }
  const trimmed = queue === undefined ? 0 : trim(context, queue, options);
  if (trimmed > 0) {
    context.keyChanged(1);
    context.notify(keyEvents.xtrim, 1);
  }
  reply.integer(trimmed);
}

function* trimInSlices(context: CommandContext, queue: Queue, plan: ReferencedTrim): Job<void> {
  const trimmed = yield* trimReferenced(queue, plan);
  if (trimmed > 0) {
    context.keyChanged(1);
    context.notify(keyEvents.xtrim, 1);
  }
  context.reply.integer(trimmed);
}
