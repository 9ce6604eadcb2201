/** What `CONFIG` says in a run, of what a scene is about. All chance is the seed's own, so that the rest of a seed is what it was. */
import type { Scene } from "./scenes.ts";
import { Seeded } from "./seeded.ts";

export type EvictionPolicyName =
  | "noeviction"
  | `${"allkeys" | "volatile"}-${"lru" | "lfu" | "random"}`
  | "volatile-ttl";

const policies: readonly EvictionPolicyName[] = [
  "noeviction",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
];

export interface SceneSettings {
  readonly redis: Readonly<Record<string, string>>;
  /** Null: keys may take any memory. */
  readonly policy: EvictionPolicyName | null;
}

/** Channels whose messages are kept: so many of them, and so long, that none is dropped in a run. */
const historyRule = "past.* 100000000 1000000 100000000";

export function settingsOf(seed: number, scene: Scene): SceneSettings {
  const random = new Seeded(seed ^ 0x5e77);
  if (scene === "later") return { redis: { "troika-pubsub-history": historyRule }, policy: null };
  if (scene !== "caches" && scene !== "events") return { redis: {}, policy: null };
  const policy = random.chance(0.7) ? random.pick(policies) : null;
  const told = {
    "notify-keyspace-events": "KEAmn",
    "tracking-table-max-keys": random.pick(["2", "5", "1000000"]),
  };
  if (policy === null) return { redis: told, policy };
  const eviction = {
    maxmemory: String(random.between(2000, 7000)),
    "maxmemory-policy": policy,
    "maxmemory-samples": random.pick(["1", "3", "5", "10"]),
    "maxmemory-eviction-tenacity": random.pick(["0", "1", "10", "100"]),
  };
  return { redis: { ...told, ...eviction }, policy };
}
