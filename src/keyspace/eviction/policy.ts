/** What each policy of `maxmemory-policy` means: which keys may go, and which of them first. */
import type { EvictionPolicyName } from "../../base/config/eviction-policies.ts";

/** By what keys go: the longest unused, the most seldom used, any, the next to expire. Null: none goes. */
export type EvictionOrder = "lru" | "lfu" | "random" | "ttl" | null;

export interface EvictionPolicy {
  readonly order: EvictionOrder;
  /** Only keys that are to expire may go. */
  readonly isVolatile: boolean;
}

export const evictionPolicies: Readonly<Record<EvictionPolicyName, EvictionPolicy>> = {
  "volatile-lru": { order: "lru", isVolatile: true },
  "volatile-lfu": { order: "lfu", isVolatile: true },
  "volatile-random": { order: "random", isVolatile: true },
  "volatile-ttl": { order: "ttl", isVolatile: true },
  "allkeys-lru": { order: "lru", isVolatile: false },
  "allkeys-lfu": { order: "lfu", isVolatile: false },
  "allkeys-random": { order: "random", isVolatile: false },
  noeviction: { order: null, isVolatile: false },
};
