/** What a run is about: many actors leave few steps to each, so that most runs have a part of them. Not here: who they are (cast.ts). */
import { Seeded } from "./seeded.ts";

/**
 * `bounds`: queues that refuse. `letters`: dead letters, and live subscribers. `groups`: Kafka's groups and a topic of several
 * partitions. `keys`: Redis keys, a type at a time. `types`: Redis keys of all types. `pending`: Redis groups. `power`: those who are told that
 * something is durable, and a disk that forgets what is not. `events`: who is told of what happens to Redis keys, and `maxmemory`. `caches`: the same for clients that cache what they read. `later`:
 * what enters a stream later, or comes again, and channels with a past. `priorities`: queues whose messages have priorities. `moves`:
 * what is moved by hand (dead letters that go home, replays), what is told to be a copy, and groups of consumers of several protocols.
 */
export type Scene =
  | "all"
  | "bounds"
  | "caches"
  | "events"
  | "groups"
  | "keys"
  | "later"
  | "letters"
  | "moves"
  | "pending"
  | "power"
  | "priorities"
  | "types";

const scenes: readonly Scene[] = [
  "all",
  "all",
  "all",
  "bounds",
  "bounds",
  "groups",
  "groups",
  "keys",
  "letters",
  "pending",
  "power",
  "types",
  "types",
];
/** From chance of their own, so that the other seeds are what they were. */
const addedScenes: readonly Scene[] = ["caches", "events", "later", "moves", "priorities"];
const shareOfAdded = 0.36;

export function sceneOf(seed: number): Scene {
  const added = new Seeded(seed ^ 0xadde);
  if (added.chance(shareOfAdded)) return added.pick(addedScenes);
  return new Seeded(seed ^ 0x5ce4e).pick(scenes);
}
