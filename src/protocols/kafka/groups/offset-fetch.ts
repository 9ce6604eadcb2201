/**
 * OffsetFetch: a group's positions. One form of answer up to version 7, another for several groups from version 8.
 *
 * A partition without a position is answered by -1 and no error. `requireStable` asks for no position that an open
 * transaction may still change; there are none.
 */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import { mayUseGroup, mayUseTopic } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import type { CommittedOffset } from "../../../broker/groups/offsets.ts";
import { fromBrokerName, toBrokerName } from "../core/names.ts";
import { errorCodes } from "../wire/error-codes.ts";
import { zeroUuid } from "../wire/schema.ts";

interface PartitionPosition {
  partitionIndex: number;
  committedOffset: number;
  committedLeaderEpoch: number;
  metadata: string;
  errorCode: number;
}

interface TopicPositions {
  name: string;
  topicId: string;
  partitions: PartitionPosition[];
}

interface AskedTopic {
  readonly name: string;
  readonly topicId?: string;
  readonly partitionIndexes: readonly number[];
}

export const offsetFetch: Handler<"OffsetFetch"> = function* (call, request) {
  const isRefused = (groupId: string): boolean => !mayUseGroup(call, "describe", groupId);
  const refusal = { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, topics: [] };
  if (call.version < 8) {
    if (isRefused(request.groupId)) return refusal;
    return { topics: yield* positionsOf(call, request.groupId, request.topics) };
  }
  // A member of the new protocol names itself and its epoch (version 9); classic groups have nothing to check there.
  const groups: { groupId: string; errorCode?: number; topics: TopicPositions[] }[] = [];
  let rows = 0;
  for (const { groupId, topics } of request.groups) {
    yield 1;
    if (isRefused(groupId)) groups.push({ groupId, ...refusal });
    else if (rows > limits.kafkaAnswerRowsMax) {
      groups.push({ groupId, errorCode: errorCodes.POLICY_VIOLATION, topics: [] });
    } else {
      const positions = yield* positionsOf(call, groupId, topics);
      groups.push({ groupId, topics: positions });
      for (const { partitions } of positions) rows += partitions.length;
    }
  }
  return { groups };
};

function* positionsOf(
  call: Call<"OffsetFetch">,
  groupId: string,
  asked: readonly AskedTopic[] | null,
): Job<TopicPositions[]> {
  if (asked === null) return yield* allPositions(call, groupId);
  const answered: TopicPositions[] = [];
  for (const topic of asked) {
    answered.push(yield* askedPositions(call, groupId, topic));
    yield 1;
  }
  return answered;
}

function* askedPositions(
  call: Call<"OffsetFetch">,
  groupId: string,
  { name, topicId = zeroUuid, partitionIndexes }: AskedTopic,
): Job<TopicPositions> {
  const topic = call.version >= 10 ? call.server.topics.findById(topicId) : undefined;
  let error: keyof typeof errorCodes = "NONE";
  if (call.version >= 10 && topic === undefined) error = "UNKNOWN_TOPIC_ID";
  else if (!mayUseTopic(call, "describe", topic?.name ?? name)) error = "TOPIC_AUTHORIZATION_FAILED";
  const group = toBrokerName(groupId);
  const known = toBrokerName(topic?.name ?? name);
  const partitions: PartitionPosition[] = [];
  for (const index of partitionIndexes) {
    const committed = error === "NONE" ? call.server.vhost.groupOffsets.get(group, known, index) : undefined;
    partitions.push(position(index, committed, errorCodes[error]));
    yield 1;
  }
  return { name, topicId, partitions };
}

function* allPositions(call: Call<"OffsetFetch">, groupId: string): Job<TopicPositions[]> {
  const answered: TopicPositions[] = [];
  for (const [brokerName, committed] of call.server.coordinator.commitsOf(groupId) ?? []) {
    yield 1;
    const name = fromBrokerName(brokerName);
    if (!mayUseTopic(call, "describe", name)) continue;
    const topicId = call.server.topics.find(name)?.id ?? zeroUuid;
    const partitions: PartitionPosition[] = [];
    const { groupOffsets } = call.server.vhost;
    for (const index of committed.keys()) {
      partitions.push(position(index, groupOffsets.get(toBrokerName(groupId), brokerName, index)));
      yield 1;
    }
    answered.push({ name, topicId, partitions });
  }
  return answered;
}

function position(
  partitionIndex: number,
  committed: CommittedOffset | undefined,
  errorCode: number = errorCodes.NONE,
): PartitionPosition {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? "",
    errorCode,
  };
}
