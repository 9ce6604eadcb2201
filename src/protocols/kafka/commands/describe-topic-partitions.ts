/** DescribeTopicPartitions: metadata of topics in the order of their names, in pages. */
import { mayUseTopic } from "../authorize.ts";
import type { Handler } from "../call.ts";
import { nameFault } from "../names.ts";
import { leaderEpoch, nodeId } from "../node.ts";
import type { KafkaTopic } from "../topic-directory.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

/** Kafka: max.request.partition.size.limit. */
const partitionsMax = 2000;
const nodes: readonly number[] = [nodeId];

type TopicInput = ResponseInput<"DescribeTopicPartitions">["topics"][number];

export const describeTopicPartitions: Handler<"DescribeTopicPartitions"> = (call, request) => {
  const { cursor } = request;
  const { topics: directory } = call.node;
  const asked = request.topics.map(({ name }) => name);
  const isSeen = (name: string): boolean => mayUseTopic(call, "describe", name);
  const names =
    asked.length > 0 ? [...new Set(asked)] : [...directory.all()].map(({ name }) => name).filter(isSeen);
  let left = Math.min(request.responsePartitionLimit, partitionsMax);
  const topics: TopicInput[] = [];
  for (const name of names.toSorted()) {
    if (cursor !== null && name < cursor.topicName) continue;
    const first = cursor !== null && name === cursor.topicName ? cursor.partitionIndex : 0;
    if (!isSeen(name)) {
      topics.push({ errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED, name, partitions: [] });
      continue;
    }
    const topic = directory.find(name);
    if (topic === undefined) {
      const error = nameFault(name) === null ? "UNKNOWN_TOPIC_OR_PARTITION" : "INVALID_TOPIC_EXCEPTION";
      topics.push({ errorCode: errorCodes[error], name, partitions: [] });
      continue;
    }
    if (left <= 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } };
    const end = Math.min(topic.partitionCount, first + left);
    topics.push(describe(topic, first, end));
    left -= end - first;
    if (end < topic.partitionCount) return { topics, nextCursor: { topicName: name, partitionIndex: end } };
  }
  return { topics, nextCursor: null };
};

function describe(topic: KafkaTopic, first: number, end: number): TopicInput {
  const partitions = Array.from({ length: Math.max(end - first, 0) }, (_, i) => ({
    errorCode: errorCodes.NONE,
    partitionIndex: first + i,
    leaderId: nodeId,
    leaderEpoch,
    replicaNodes: nodes,
    isrNodes: nodes,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [],
  }));
  return { errorCode: errorCodes.NONE, name: topic.name, topicId: topic.id, partitions };
}
