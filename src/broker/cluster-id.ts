/** The name by which Kafka clients know this cluster, and from which the node ids of Redis Cluster derive: made once for each data directory. */
import type { Random } from "../base/random.ts";
import type { Storage } from "../storage/index.ts";

const key = "kafka/cluster-id";

/** 22 characters: 16 bytes in URL-safe base64, as Kafka's `random-uuid` makes them. */
export function clusterIdOf(storage: Storage, random: Random): string {
  const known = storage.definitions.get(key);
  if (known !== undefined) return known.toString();
  const made = Buffer.from(random.bytes(16)).toString("base64url");
  storage.definitions.put(key, made);
  return made;
}
