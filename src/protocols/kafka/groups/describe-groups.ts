/** DescribeGroups: state and members. What members said and got is shown while it holds, in a stable group. */
import { limits } from "../../../base/limits.ts";
import { mayUseGroup } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { consumerProtocolType } from "./consumer-protocol.ts";
import type { Group } from "./group.ts";
import { noAssignment } from "./member.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type GroupInput = ResponseInput<"DescribeGroups">["groups"][number];

const unitsOfGroup = 5;
const nothing = { groupState: "", protocolType: "", protocolData: "", members: [] };
const tooMuch = "The members of these groups are too much for one answer; ask for fewer groups.";

export const describeGroups: Handler<"DescribeGroups"> = function* (call, request) {
  const groups: GroupInput[] = [];
  let bytes = 0;
  // A group that is named twice is described once.
  for (const groupId of new Set(request.groups)) {
    if (bytes > limits.kafkaGroupBytesMax) {
      groups.push({ groupId, ...nothing, errorCode: errorCodes.POLICY_VIOLATION, errorMessage: tooMuch });
      yield 1;
      continue;
    }
    const group = describe(call, groupId);
    groups.push(group);
    bytes += call.server.coordinator.find(groupId)?.room.bytes ?? 0;
    yield unitsOfGroup + group.members.length;
  }
  return { groups };
};

function describe(call: Call<"DescribeGroups">, groupId: string): GroupInput {
  const { coordinator } = call.server;
  const bare = { groupId, ...nothing };
  if (!mayUseGroup(call, "describe", groupId)) {
    return { ...bare, errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED };
  }
  const group = coordinator.find(groupId);
  if (group !== undefined) return describeMembers(group);
  if (coordinator.exists(groupId)) {
    return { ...bare, errorCode: errorCodes.NONE, groupState: "Empty", protocolType: consumerProtocolType };
  }
  // KIP-1043: from version 6 a group that is not there is an error.
  if (call.version < 6) return { ...bare, errorCode: errorCodes.NONE, groupState: "Dead" };
  const isShared = call.server.shares.exists(groupId);
  const errorMessage = `Group ${groupId} ${isShared ? "is not a classic group" : "not found"}.`;
  return { ...bare, errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage, groupState: "Dead" };
}

function describeMembers(group: Group): GroupInput {
  const isStable = group.state === "Stable";
  return {
    errorCode: errorCodes.NONE,
    groupId: group.id,
    groupState: group.state,
    protocolType: group.protocolType ?? "",
    protocolData: isStable ? (group.protocolName ?? "") : "",
    members: [...group.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.details.clientId,
      clientHost: member.details.clientHost,
      memberMetadata: isStable ? member.metadataFor(group.protocolName) : noAssignment,
      memberAssignment: isStable ? member.assignment : noAssignment,
    })),
  };
}
