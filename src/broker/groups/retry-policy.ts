/**
 * What becomes of an entry that a consumer of a group has given up: after how long it is delivered again, how often, and where it
 * goes then.
 *
 *     delay before delivery n + 1 = min(backoff-ms * factor ^ (n - 1), max-ms), and up to `jitter` of it more or less
 *
 * A group has a policy of its own (TROIKA.GROUP), or that of its stream (`retry-limit` and so on, policy/policy.ts). Without one it is
 * delivered again at once, without end. Not here: waiting (retries.ts), dead letters (give-up.ts). Pure.
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
  /** The stream of the dead letters; absent: `<stream>.dead`. */
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

/** The policy of all groups of a stream; null: it has none. */
export function retryOfStream(policy: QueuePolicy): RetryPolicy | null {
  const { retryLimit } = policy;
  if (retryLimit === undefined) return null;
  return {
    limit: Math.max(retryLimit, 1),
    backoffMs: policy.retryBackoffMs ?? retryDefaults.backoffMs,
    factor: policy.retryFactor ?? retryDefaults.factor,
    maxMs: policy.retryMaxMs ?? retryDefaults.maxMs,
    jitter: Math.min(policy.retryJitter ?? retryDefaults.jitter, 1),
  };
}
