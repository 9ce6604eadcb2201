/** Faults in the broker. */
import type { RoomMutant } from "../mutant.ts";

export const brokerMutants: readonly RoomMutant[] = [
  {
    name: "a producer's new epoch may begin anywhere",
    file: "src/broker/queue/producer-state.ts",
    find: 'return firstSequence === 0 ? "append" : "outOfOrder";',
    replace: 'return firstSequence >= 0 ? "append" : "outOfOrder";',
  },
  {
    name: "batches of a producer's old epoch are remembered in the new one",
    file: "src/broker/queue/producer-state.ts",
    find: "      producer.epoch = epoch;\n      producer.batches = [];",
    replace: "      producer.epoch = epoch;",
  },
  {
    name: "producers are never forgotten",
    file: "src/broker/queue/producer-state.ts",
    find: "const isOld = at < now - expirationMs;",
    replace: "const isOld = at < now - expirationMs * 1000;",
  },
  {
    name: "a restart gives out producer ids again",
    file: "src/broker/queue/producer-state.ts",
    find: "      this.#reserved += idsReservedAtOnce;\n      this.#storage.definitions.put(nextIdKey, String(this.#reserved));",
    replace: "      this.#reserved += idsReservedAtOnce;",
    also: ["clients/kafka/kafka-idempotence"],
  },
  {
    name: "positions of a deleted topic are there again after a restart",
    file: "src/broker/groups/offsets.ts",
    find: "    this.#definitions.delete(this.#key(group, topic, partition));\n",
    replace: "",
    also: ["clients/kafka/kafka-groups", "clients/kafka/kafka-admin"],
    isSimulated: true,
  },
  {
    name: "a topic remembers groups that have no position in it",
    file: "src/broker/groups/offsets.ts",
    find: "      this.#forgetTopicOf(group, topic);\n",
    replace: "",
    also: ["clients/kafka/kafka-groups"],
  },
  {
    name: "only one group's positions go with a topic",
    file: "src/broker/groups/offsets.ts",
    find: "    for (const group of this.#groupsOf.get(topic) ?? []) {",
    replace: "    for (const group of [...(this.#groupsOf.get(topic) ?? [])].slice(0, 1)) {",
    also: ["clients/kafka/kafka-groups", "clients/kafka/kafka-admin"],
  },
  {
    name: "a record that was given back and cannot be read is forgotten",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "    const offset = this.#requeued.first;\n    this.record = this.#again;\n    this.#again.seek(offset);\n    this.#again.next();\n    this.#requeued.take();\n",
    replace:
      "    const offset = this.#requeued.take();\n    this.record = this.#again;\n    this.#again.seek(offset);\n    this.#again.next();\n",
  },
  {
    name: "a dead letter that cannot be made leaves its queue all the same",
    file: "src/broker/queue/retention.ts",
    find: "      giveBack(queue, offset);\n",
    replace: "",
  },
  {
    name: "a queue that takes exactly so many bytes refuses the last message",
    file: "src/broker/queue/retention.ts",
    find: "  return readyBytes.total + bytes <= policy.maxLengthBytes!;",
    replace: "  return readyBytes.total + bytes < policy.maxLengthBytes!;",
    also: ["clients/interop/interop-overflow"],
    isSimulated: true,
  },
  {
    name: "a queue at exactly its length drops one too many",
    file: "src/broker/queue/retention.ts",
    find: "queue.readyCount > policy.maxLength) return true;",
    replace: "queue.readyCount >= policy.maxLength) return true;",
  },
  {
    name: "routes to deleted queues are remembered",
    file: "src/broker/exchange/routes.ts",
    find: "      routes.clear();\n      exchange.routesVersion = routingVersion;",
    replace: "      exchange.routesVersion = routingVersion;",
  },
  {
    name: "nodes of a topic exchange stay when a binding goes",
    file: "src/broker/exchange/routing/topic.ts",
    find: "      path[i - 1]!.setChild(words[i - 1]!, null);\n",
    replace: "",
  },
  {
    name: "a pattern that nobody listens to is still held against messages",
    file: "src/broker/live/patterns.ts",
    find: "    file.delete(entry);\n",
    replace: "",
  },
  {
    name: "a channel that nobody listens to is remembered as one that somebody does",
    file: "src/broker/live/channels.ts",
    find: "    this.channels.delete(channel);\n    this.#recent[slotOf(entry.bytes, 0, entry.bytes.length)] = undefined;",
    replace: "    this.channels.delete(channel);",
    also: ["clients/redis/redis-session"],
  },
  {
    name: "a single active consumer that goes is followed by nobody",
    file: "src/broker/queue/consumers.ts",
    find: "    if (this.#active === consumer) this.#active = null;\n",
    replace: "",
  },
  {
    name: "a priority without consumers keeps its ring",
    file: "src/broker/queue/consumers.ts",
    find: "    if (--ring.members === 0) this.#ringOf.delete(ring.priority);",
    replace: "    ring.members--;",
  },
  {
    name: "what a queue has of new bytes is counted after a record was taken",
    file: "src/broker/queue/ready-bytes.ts",
    find: "      if (!isSettled && pending.ownerOf(reader.offset) <= noOwner) this.total -= sizeOf(reader);",
    replace: "      if (!isSettled) this.total -= sizeOf(reader);",
  },
  {
    name: "a queue's policy is applied, and not kept with its definition",
    file: "src/broker/policy/policies.ts",
    find: "    queueChanged(this.#queue);",
    replace: "",
  },
];
