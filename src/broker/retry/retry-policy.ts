/**
 * What becomes of a record that its consumer has rejected or given up: after how long it is delivered again, how often, and where it
 * goes then. For queues, and for Redis's groups.
 *
 *     delay before delivery n + 1 = min(backoff-ms * factor ^ (n - 1), max-ms), and up to `jitter` of it more or less
 *
 * A queue or stream has the policy that `retry-limit` and its like say (policy/policy.ts); a group may have one of its own
 * (TROIKA.GROUP). Without one an entry of a group is delivered again at once, without end, and what a queue's consumer rejects is a dead
 * letter at once. Not here: waiting (queue-retries.ts, groups/retries.ts), dead letters (dead-queue.ts, groups/give-up.ts). Pure.
 */
import type { Random } from "../../base/random.ts";
import type { QueuePolicy } from "../policy/policy.ts";

export interface RetryPolicy {
  /** Deliveries, the first among them. */
  readonly limit: number;
  readonly backoffMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** A part of the delay, 0 to 1. */
  readonly jitter: number;
  /** The stream or topic of the dead letters; absent: `<stream>.dead`. */
  readonly deadLetter?: string;
}

export const retryDefaults = { backoffMs: 0, factor: 2, maxMs: 3_600_000, jitter: 0 } as const;

export function delayOf(
  { backoffMs, factor, maxMs, jitter }: RetryPolicy,
  deliveries: number,
  random: Random,
): number {
  const delay = Math.min(backoffMs * factor ** Math.max(deliveries - 1, 0), maxMs);
  // In thousandths, so that one whole random number says it.
  const part = jitter === 0 ? 0 : (jitter * (random.below(2001) - 1000)) / 1000;
  return Math.round(delay * (1 + part));
}

/** Of a queue, or of all groups of a stream; null: it has none. */
export function retryOf(policy: QueuePolicy): RetryPolicy | null {
  const { retryLimit, deadLetterTopic } = policy;
  if (retryLimit === undefined) return null;
  return {
    ...(deadLetterTopic === undefined ? {} : { deadLetter: deadLetterTopic }),
    limit: Math.max(retryLimit, 1),
    backoffMs: policy.retryBackoffMs ?? retryDefaults.backoffMs,
    factor: policy.retryFactor ?? retryDefaults.factor,
    maxMs: policy.retryMaxMs ?? retryDefaults.maxMs,
    jitter: Math.min(policy.retryJitter ?? retryDefaults.jitter, 1),
  };
}
