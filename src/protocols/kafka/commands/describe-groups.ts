/** DescribeGroups: state and members. What members said and got is shown while it holds, in a stable group. */
import { mayUseGroup } from "../authorize.ts";
import type { Call, Handler } from "../call.ts";
import { consumerProtocolType } from "../consumer-protocol.ts";
import type { Group } from "../group.ts";
import { noAssignment } from "../group-member.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type GroupInput = ResponseInput<"DescribeGroups">["groups"][number];

export const describeGroups: Handler<"DescribeGroups"> = (call, request) => ({
  groups: request.groups.map((groupId) => describe(call, groupId)),
});

function describe(call: Call<"DescribeGroups">, groupId: string): GroupInput {
  const { coordinator } = call.node;
  const bare = { groupId, protocolType: "", protocolData: "", members: [] };
  if (!mayUseGroup(call, "describe", groupId)) {
    return { ...bare, errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, groupState: "" };
  }
  const group = coordinator.find(groupId);
  if (group !== undefined) return describeMembers(group);
  if (coordinator.exists(groupId)) {
    return { ...bare, errorCode: errorCodes.NONE, groupState: "Empty", protocolType: consumerProtocolType };
  }
  // KIP-1043: from version 6 a group that is not there is an error.
  if (call.version < 6) return { ...bare, errorCode: errorCodes.NONE, groupState: "Dead" };
  const errorMessage = `Group ${groupId} not found.`;
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
