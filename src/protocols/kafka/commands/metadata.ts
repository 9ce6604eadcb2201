/** Metadata: the one broker and the topics asked for, made on the way if the client allows it. */
import { mayCreateTopic, mayUseTopic } from "../authorize.ts";
import { BrokerError } from "../../../base/errors.ts";
import type { Call, Handler } from "../call.ts";
import { faultOf } from "../errors.ts";
import { nameFault } from "../names.ts";
import { leaderEpoch, nodeId } from "../node.ts";
import type { KafkaTopic } from "../topic-directory.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";
import { zeroUuid } from "../wire/schema.ts";

type TopicInput = ResponseInput<"Metadata">["topics"][number];

const nodes: readonly number[] = [nodeId];

export const metadata: Handler<"Metadata"> = (call, request) => {
  const { host, port } = call.node.addressFor(call.connection);
  return {
    brokers: [{ nodeId, host, port }],
    clusterId: call.node.clusterId,
    controllerId: nodeId,
    topics: topicsFor(call, request),
  };
};

function topicsFor(call: Call<"Metadata">, request: RequestBody<"Metadata">): TopicInput[] {
  const asked = request.topics;
  // Version 0 cannot say null: there an empty list asks for all.
  if (asked === null || (call.version === 0 && asked.length === 0)) {
    const all = [...call.node.topics.all()];
    return all.filter((topic) => mayUseTopic(call, "describe", topic.name)).map(describe);
  }
  return asked.map(({ name, topicId }) => {
    if (name === null) {
      const topic = call.node.topics.findById(topicId);
      // What somebody may not see is not there for them.
      return topic === undefined || !mayUseTopic(call, "describe", topic.name)
        ? refuse(null, "UNKNOWN_TOPIC_ID", topicId)
        : describe(topic);
    }
    return named(call, name, request.allowAutoTopicCreation);
  });
}

function named(call: Call<"Metadata">, name: string, mayCreate: boolean): TopicInput {
  const topics = call.node.topics;
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
