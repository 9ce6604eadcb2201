/** The policies by which keys are evicted (keyspace/eviction/policy.ts), in the order in which redis lists them. */
export const evictionPolicyNames = [
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "noeviction",
] as const;

export type EvictionPolicyName = (typeof evictionPolicyNames)[number];
