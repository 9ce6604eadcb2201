/**
 * OffsetFetch: a group's positions. One form of answer up to version 7, another for several groups from version 8.
 *
 * A partition without a position is answered by -1 and no error. `requireStable` asks for no position that an open
 * transaction may still change; there are none.
 */
import { mayUseGroup, mayUseTopic } from "../authorize.ts";
import type { Call, Handler } from "../call.ts";
import type { CommittedOffset } from "../../../broker/group-offsets.ts";
import { fromBrokerName, toBrokerName } from "../names.ts";
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

export const offsetFetch: Handler<"OffsetFetch"> = (call, request) => {
  const isRefused = (groupId: string): boolean => !mayUseGroup(call, "describe", groupId);
  const refusal = { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, topics: [] };
  if (call.version < 8) {
    return isRefused(request.groupId)
      ? refusal
      : { topics: positionsOf(call, request.groupId, request.topics) };
  }
  // A member of the new protocol names itself and its epoch (version 9); classic groups have nothing to check there.
  const groups = request.groups.map(({ groupId, topics }) =>
    isRefused(groupId) ? { groupId, ...refusal } : { groupId, topics: positionsOf(call, groupId, topics) },
  );
  return { groups };
};

function positionsOf(
  call: Call<"OffsetFetch">,
  groupId: string,
  asked: readonly AskedTopic[] | null,
): TopicPositions[] {
  if (asked === null) return allPositions(call, groupId);
  return asked.map(({ name, topicId = zeroUuid, partitionIndexes }) => {
    const topic = call.version >= 10 ? call.node.topics.findById(topicId) : undefined;
    if (call.version >= 10 && topic === undefined) {
      const unknown = (index: number): PartitionPosition =>
        position(index, undefined, errorCodes.UNKNOWN_TOPIC_ID);
      return { name, topicId, partitions: partitionIndexes.map(unknown) };
    }
    if (!mayUseTopic(call, "describe", topic?.name ?? name)) {
      const refused = (index: number): PartitionPosition =>
        position(index, undefined, errorCodes.TOPIC_AUTHORIZATION_FAILED);
      return { name, topicId, partitions: partitionIndexes.map(refused) };
    }
    const known = toBrokerName(topic?.name ?? name);
    const partitions = partitionIndexes.map((index) =>
      position(index, call.node.vhost.groupOffsets.get(toBrokerName(groupId), known, index)),
    );
    return { name, topicId, partitions };
  });
}

function allPositions(call: Call<"OffsetFetch">, groupId: string): TopicPositions[] {
  const commits = call.node.coordinator.commitsOf(groupId);
  if (commits === undefined) return [];
  const seen = [...commits].filter(([brokerName]) =>
    mayUseTopic(call, "describe", fromBrokerName(brokerName)),
  );
  return seen.map(([brokerName, partitions]) => {
    const name = fromBrokerName(brokerName);
    const topicId = call.node.topics.find(name)?.id ?? zeroUuid;
    return {
      name,
      topicId,
      partitions: [...partitions].map(([index, committed]) => position(index, committed)),
    };
  });
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
