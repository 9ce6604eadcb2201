/** FLUSHDB empties the partitions of a topic by deleting and making them again: over what it made itself, for ever. */
import type { Attack } from "./attack.ts";

const attack: Attack = {
  name: "flushdb-topic",
  what: "FLUSHDB with one topic of 2 partitions",
  async prepare({ kafka }) {
    const client = await kafka();
    const topics = [{ name: "t", numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }];
    await client.request("CreateTopics", 2, { topics, timeoutMs: 5000, validateOnly: false });
  },
  async attack({ redis }) {
    return await (await redis()).call("flushdb");
  },
};

export default attack;
