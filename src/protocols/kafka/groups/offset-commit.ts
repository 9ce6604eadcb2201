/** OffsetCommit: a group's positions, kept as durably as acks=all records, which is what Kafka makes of them. */
import { clientParty } from "../../../broker/trace/party.ts";
import { limits } from "../../../base/limits.ts";
import { mayUseGroup, mayUseTopic } from "../core/authorize.ts";
import { toBrokerName } from "../core/names.ts";
import type { Call, Handler } from "../core/call.ts";
import type { KafkaTopic } from "../topics/directory.ts";
import type { RequestBody } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";

/** Kafka: offset.metadata.max.bytes. */
const metadataBytesMax = 4096;

const commitsInPiece = 50;
const unitsOfCommit = 3;

interface Result {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

type Partition = RequestBody<"OffsetCommit">["topics"][number]["partitions"][number];

export const offsetCommit: Handler<"OffsetCommit"> = function* (call, request) {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  // Asked again after each pause: the member may have been fenced meanwhile, and its topics deleted.
  const { coordinator, shares } = call.server;
  const faultNow = (): KafkaErrorName | null => {
    if (!mayUseGroup(call, "join", groupId)) return "GROUP_AUTHORIZATION_FAILED";
    // What a share group has is no position.
    if (shares.exists(groupId)) return "GROUP_ID_NOT_FOUND";
    return coordinator.checkCommit(groupId, { memberId, groupInstanceId, generationId });
  };
  const { topics: directory } = call.server;
  const byId = call.version >= 10;
  const topics: { name: string; topicId: string; partitions: Result[] }[] = [];
  let fault = Buffer.byteLength(groupId) > limits.nameBytesMax ? "INVALID_GROUP_ID" : faultNow();
  let left = commitsInPiece;
  for (const { name, topicId, partitions } of request.topics) {
    const results: Result[] = [];
    topics.push({ name, topicId, partitions: results });
    let topic = byId ? directory.findById(topicId) : directory.find(name);
    for (const partition of partitions) {
      const unknown = byId ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION";
      const error = fault ?? (topic === undefined ? unknown : commit(call, groupId, topic, partition));
      results.push({ partitionIndex: partition.partitionIndex, errorCode: errorCodes[error ?? "NONE"] });
      if (--left > 0) continue;
      left = commitsInPiece;
      yield commitsInPiece * unitsOfCommit;
      fault ??= faultNow();
      topic = byId ? directory.findById(topicId) : directory.find(name);
    }
  }
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
  const { vhost } = call.server;
  vhost.groupOffsets.commit(toBrokerName(groupId), toBrokerName(topic.name), partitionIndex, {
    offset: committedOffset,
    leaderEpoch: committedLeaderEpoch,
    metadata,
    at: vhost.broker.clock.now(),
  });
  const queue = topic.queue(partitionIndex);
  if (queue !== undefined && queue.trace !== null)
    vhost.broker.tracer.committed(queue, toBrokerName(groupId), committedOffset, () =>
      clientParty(call.connection, { group: groupId }),
    );
  return null;
}
