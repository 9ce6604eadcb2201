/** The policies of `maxmemory-policy`: which keys may go, and which of them first. */

/** By what keys go: the longest unused, the most seldom used, any, the next to expire. Null: none goes. */
export type EvictionOrder = "lru" | "lfu" | "random" | "ttl" | null;

export interface EvictionPolicy {
  readonly order: EvictionOrder;
  /** Only keys that are to expire may go. */
  readonly isVolatile: boolean;
}

/** In the order in which redis lists them. */
export const evictionPolicies = {
  "volatile-lru": { order: "lru", isVolatile: true },
  "volatile-lfu": { order: "lfu", isVolatile: true },
  "volatile-random": { order: "random", isVolatile: true },
  "volatile-ttl": { order: "ttl", isVolatile: true },
  "allkeys-lru": { order: "lru", isVolatile: false },
  "allkeys-lfu": { order: "lfu", isVolatile: false },
  "allkeys-random": { order: "random", isVolatile: false },
  noeviction: { order: null, isVolatile: false },
} as const satisfies Record<string, EvictionPolicy>;

export type EvictionPolicyName = keyof typeof evictionPolicies;

export const evictionPolicyNames = Object.keys(evictionPolicies) as EvictionPolicyName[];
