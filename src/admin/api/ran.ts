/** Work of a request that goes on over several turns (base/turn-work.ts), as a promise. Not here: the work. */
import { type Job, resultOf } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";

export function ran<Result>({ work }: Pick<Broker, "work">, job: Job<Result>): Promise<Result> {
  return resultOf(work, job);
}
