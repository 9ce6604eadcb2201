/** OffsetCommit: a group's positions, kept as durably as acks=all records, which is what Kafka makes of them. */
import { mayUseGroup, mayUseTopic } from "../authorize.ts";
import { toBrokerName } from "../names.ts";
import type { Call, Handler } from "../call.ts";
import type { KafkaTopic } from "../topic-directory.ts";
import type { RequestBody } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";

/** Kafka: offset.metadata.max.bytes. */
const metadataBytesMax = 4096;

type Partition = RequestBody<"OffsetCommit">["topics"][number]["partitions"][number];

export const offsetCommit: Handler<"OffsetCommit"> = (call, request) => {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  const fault = mayUseGroup(call, "join", groupId)
    ? call.node.coordinator.checkCommit(groupId, { memberId, groupInstanceId, generationId })
    : "GROUP_AUTHORIZATION_FAILED";
  const { topics: directory } = call.node;
  const topics = request.topics.map(({ name, topicId, partitions }) => {
    const topic = call.version >= 10 ? directory.findById(topicId) : directory.find(name);
    const unknown = call.version >= 10 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION";
    return {
      name,
      topicId,
      partitions: partitions.map((partition) => {
        const error = fault ?? (topic === undefined ? unknown : commit(call, groupId, topic, partition));
        return { partitionIndex: partition.partitionIndex, errorCode: errorCodes[error ?? "NONE"] };
      }),
    };
  });
  call.holdUntilDurable();
  return { topics };
};

function commit(
  call: Call<"OffsetCommit">,
  groupId: string,
  topic: KafkaTopic,
  partition: Partition,
): KafkaErrorName | null {
  const { partitionIndex, committedOffset, committedLeaderEpoch } = partition;
  const metadata = partition.committedMetadata ?? "";
  if (!mayUseTopic(call, "read", topic.name)) return "TOPIC_AUTHORIZATION_FAILED";
  if (!topic.hasPartition(partitionIndex)) return "UNKNOWN_TOPIC_OR_PARTITION";
  if (Buffer.byteLength(metadata) > metadataBytesMax) return "OFFSET_METADATA_TOO_LARGE";
  const { vhost } = call.node;
  vhost.groupOffsets.commit(toBrokerName(groupId), toBrokerName(topic.name), partitionIndex, {
    offset: committedOffset,
    leaderEpoch: committedLeaderEpoch,
    metadata,
    at: vhost.broker.clock.now(),
  });
  return null;
}
