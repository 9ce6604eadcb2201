/**
 * Commands over ids that are mostly one or few: those are answered at once, without the cost of a job and of its reply in parts.
 *
 * Not here: what is done to each id. Invariant: what is done at once has a bound, and counts for the turn.
 */
import { finishNow, type Job } from "../../../../base/turn-work.ts";
import type { CommandContext } from "../../core/context.ts";
import { answerInSlices } from "../../core/sliced-reply.ts";

const unitsAtOnceMax = 64;

/** `units` is what all ids cost; one id is one piece of work whatever it costs. The job writes to `context.reply` alone. */
export function answerForIds(
  context: CommandContext,
  { ids, units }: { readonly ids: number; readonly units: number },
  begin: () => Job<void>,
): void {
  if (ids > 1 && units > unitsAtOnceMax) return answerInSlices(context, begin);
  finishNow(begin());
  context.broker.work.spend(Math.ceil(units));
}
