/** LeaveGroup: members go at once instead of by their session's timeout. */
import { mayUseGroup } from "../authorize.ts";
import type { Handler } from "../call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const leaveGroup: Handler<"LeaveGroup"> = (call, request) => {
  const { groupId } = request;
  if (groupId === "") return { errorCode: errorCodes.INVALID_GROUP_ID, members: [] };
  if (!mayUseGroup(call, "join", groupId)) {
    return { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, members: [] };
  }
  const group = call.node.coordinator.find(groupId);
  const leave = (memberId: string, groupInstanceId: string | null): number => {
    const fault = group === undefined ? "UNKNOWN_MEMBER_ID" : group.leave(memberId, groupInstanceId);
    return errorCodes[fault ?? "NONE"];
  };
  if (call.version < 3) return { errorCode: leave(request.memberId, null) };
  const members = request.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: leave(memberId, groupInstanceId),
  }));
  return { errorCode: errorCodes.NONE, members };
};
