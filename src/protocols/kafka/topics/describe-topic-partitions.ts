/** DescribeTopicPartitions: metadata of topics in the order of their names, in pages. */
import type { Job } from "../../../base/turn-work.ts";
import { mayUseTopic } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { nameFault } from "../core/names.ts";
import { leaderEpoch, nodeId } from "../core/server.ts";
import type { KafkaTopic } from "./directory.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

/** Kafka: max.request.partition.size.limit. */
const partitionsMax = 2000;
/** Of two answers' names. */
const unitsOfSort = 1000;
const nodes: readonly number[] = [nodeId];

type TopicInput = ResponseInput<"DescribeTopicPartitions">["topics"][number];

export const describeTopicPartitions: Handler<"DescribeTopicPartitions"> = function* (call, request) {
  const { cursor } = request;
  const { topics: directory } = call.server;
  const asked = request.topics.map(({ name }) => name);
  const isSeen = (name: string): boolean => mayUseTopic(call, "describe", name);
  let left = Math.min(request.responsePartitionLimit, partitionsMax);
  const first = cursor?.topicName ?? "";
  const names =
    asked.length > 0
      ? [...new Set(asked)].filter((name) => name >= first).toSorted()
      : yield* firstNames(directory.all(), first, isSeen);
  const topics: TopicInput[] = [];
  for (const name of names) {
    yield 1;
    const firstPartition = cursor !== null && name === cursor.topicName ? cursor.partitionIndex : 0;
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
    if (left <= 0) return { topics, nextCursor: { topicName: name, partitionIndex: firstPartition } };
    const end = Math.min(topic.partitionCount, firstPartition + left);
    topics.push(describe(topic, firstPartition, end));
    left -= end - firstPartition;
    if (end < topic.partitionCount) return { topics, nextCursor: { topicName: name, partitionIndex: end } };
  }
  return { topics, nextCursor: null };
};

/** As many names from `from` on as one answer can need, in order: each topic has a partition at least. */
function* firstNames(
  all: Iterable<KafkaTopic>,
  from: string,
  isSeen: (name: string) => boolean,
): Job<string[]> {
  const most = partitionsMax + 1;
  let names: string[] = [];
  for (const { name } of all) {
    yield 1;
    if (name < from || !isSeen(name)) continue;
    names.push(name);
    if (names.length >= 2 * most) {
      names = names.toSorted().slice(0, most);
      yield unitsOfSort;
    }
  }
  return names.toSorted().slice(0, most);
}

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
