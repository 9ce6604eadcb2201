/** ShareGroupDescribe: state and members of share groups. */
import { limits } from "../../../base/limits.ts";
import { mayUseGroup } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type GroupInput = ResponseInput<"ShareGroupDescribe">["groups"][number];

const unitsOfGroup = 5;
const assignorName = "simple";
const nothing = { groupState: "", groupEpoch: 0, assignmentEpoch: 0, assignorName: "", members: [] };
const tooMuch = "The members of these groups are too much for one answer; ask for fewer groups.";

export const shareGroupDescribe: Handler<"ShareGroupDescribe"> = function* (call, { groupIds }) {
  const groups: GroupInput[] = [];
  let rows = 0;
  // A group that is named twice is described once.
  for (const groupId of new Set(groupIds)) {
    if (rows > limits.kafkaAnswerRowsMax) {
      groups.push({ groupId, ...nothing, errorCode: errorCodes.POLICY_VIOLATION, errorMessage: tooMuch });
      yield 1;
      continue;
    }
    const group = describe(call, groupId);
    groups.push(group);
    let units = unitsOfGroup;
    for (const { assignment, subscribedTopicNames } of group.members) {
      units += 1 + assignment.topicPartitions.length + subscribedTopicNames.length;
      for (const { partitions } of assignment.topicPartitions) rows += partitions.length;
    }
    rows += units;
    yield units;
  }
  return { groups };
};

function describe(call: Call<"ShareGroupDescribe">, groupId: string): GroupInput {
  const { shares } = call.server;
  if (!mayUseGroup(call, "describe", groupId))
    return { groupId, ...nothing, errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED };
  if (!shares.exists(groupId)) {
    const errorMessage = `Group ${groupId} not found.`;
    return {
      groupId,
      ...nothing,
      errorCode: errorCodes.GROUP_ID_NOT_FOUND,
      errorMessage,
    };
  }
  const group = shares.find(groupId);
  return {
    errorCode: errorCodes.NONE,
    groupId,
    groupState: group === undefined ? "Empty" : "Stable",
    groupEpoch: group?.epoch ?? 0,
    assignmentEpoch: group?.epoch ?? 0,
    assignorName,
    members: [...(group?.members.values() ?? [])].map((member) => ({
      memberId: member.id,
      rackId: member.rackId,
      memberEpoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.topics,
      assignment: {
        topicPartitions: [...member.assignment].map(([topicId, { topic, partitions }]) => ({
          topicId,
          topicName: topic.name,
          partitions,
        })),
      },
    })),
  };
}
