/** Metadata: the one broker and the topics asked for, made on the way if the client allows it. */
import { mayCreateTopic, mayUseTopic } from "../core/authorize.ts";
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Call, Handler } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { nameFault } from "../core/names.ts";
import { leaderEpoch, nodeId } from "../core/server.ts";
import { unitsOfPartition } from "./partition-room.ts";
import type { KafkaTopic } from "./directory.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";
import { zeroUuid } from "../wire/schema.ts";

type TopicInput = ResponseInput<"Metadata">["topics"][number];

const nodes: readonly number[] = [nodeId];
/** Of the answer: a partition. */
const unitsOfRow = 0.2;

export const metadata: Handler<"Metadata"> = function* (call, request) {
  const { host, port } = call.server.addressFor(call.connection);
  const topics = yield* topicsFor(call, request);
  return {
    brokers: [{ nodeId, host, port }],
    clusterId: call.server.clusterId,
    controllerId: nodeId,
    topics,
  };
};

function* topicsFor(call: Call<"Metadata">, request: RequestBody<"Metadata">): Job<TopicInput[]> {
  const asked = request.topics;
  const topics: TopicInput[] = [];
  // Version 0 cannot say null: there an empty list asks for all.
  if (asked === null || (call.version === 0 && asked.length === 0)) {
    for (const topic of call.server.topics.all()) {
      if (mayUseTopic(call, "describe", topic.name)) topics.push(describe(topic));
      yield 1 + topic.partitionCount * unitsOfRow;
    }
    return topics;
  }
  // As in Kafka, what is named twice is described once.
  const seen = new Set<string>();
  let room: number = limits.kafkaRequestPartitionsMax;
  for (const { name, topicId } of asked) {
    // Kafka goes by the id where there is one: its Java client leaves the name empty then, others send null.
    const isById = topicId !== zeroUuid;
    const key = isById ? `id ${topicId}` : (name ?? "");
    if (seen.has(key)) continue;
    seen.add(key);
    const known = call.server.topics.madeCount;
    const topic = isById
      ? identified(call, topicId)
      : named(call, name ?? "", request.allowAutoTopicCreation && room > 0);
    topics.push(topic);
    const isMade = call.server.topics.madeCount > known;
    if (isMade) room--;
    yield 2 + topic.partitions.length * unitsOfRow + (isMade ? unitsOfPartition : 0);
  }
  return topics;
}

function identified(call: Call<"Metadata">, topicId: string): TopicInput {
  const topic = call.server.topics.findById(topicId);
  // A topic that a user may not see does not exist for the user.
  return topic === undefined || !mayUseTopic(call, "describe", topic.name)
    ? refuse(null, "UNKNOWN_TOPIC_ID", topicId)
    : describe(topic);
}

function named(call: Call<"Metadata">, name: string, mayCreate: boolean): TopicInput {
  const topics = call.server.topics;
  if (!mayUseTopic(call, "describe", name)) return refuse(name, "TOPIC_AUTHORIZATION_FAILED");
  const found = topics.find(name);
  if (found !== undefined) return describe(found);
  if (nameFault(name) !== null) return refuse(name, "INVALID_TOPIC_EXCEPTION");
  if (!mayCreate) return refuse(name, "UNKNOWN_TOPIC_OR_PARTITION");
  if (!mayCreateTopic(call, name)) return refuse(name, "TOPIC_AUTHORIZATION_FAILED");
  try {
    const made = topics.findOrCreate(name);
    return made === undefined ? refuse(name, "UNKNOWN_TOPIC_OR_PARTITION") : describe(made);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return { name, errorCode: faultOf(error).errorCode, partitions: [] };
  }
}

function refuse(name: string | null, error: keyof typeof errorCodes, topicId: string = zeroUuid): TopicInput {
  return { name, topicId, errorCode: errorCodes[error], partitions: [] };
}

function describe(topic: KafkaTopic): TopicInput {
  const partitions = Array.from({ length: topic.partitionCount }, (_, partitionIndex) => ({
    errorCode: errorCodes.NONE,
    partitionIndex,
    leaderId: nodeId,
    leaderEpoch,
    replicaNodes: nodes,
    isrNodes: nodes,
  }));
  return { errorCode: errorCodes.NONE, name: topic.name, topicId: topic.id, partitions };
}
