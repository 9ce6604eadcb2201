/** A share group leaves a topic: its groups of the topic's streams go, with what they hold. */
import type { Job } from "../../../base/turn-work.ts";
import { deleteGroup } from "../../../broker/groups/stream-groups.ts";
import type { KafkaServer } from "../core/server.ts";

const unitsOfPartition = 2;

/** Broker names. */
export function* leaveTopic({ vhost }: KafkaServer, group: string, topicName: string): Job<void> {
  const topic = vhost.topics.find(topicName);
  for (const queue of topic?.partitions ?? []) {
    if (queue.groups.has(group)) deleteGroup(queue, group);
    yield unitsOfPartition;
  }
}
