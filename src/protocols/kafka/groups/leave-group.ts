/** LeaveGroup: members go at once instead of by their session's timeout. */
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

/** The cost of one leaving member: the other members are looked at. */
const unitsOfLeaving = 20;

export const leaveGroup: Handler<"LeaveGroup"> = function* (call, request) {
  const { groupId } = request;
  if (groupId === "") return { errorCode: errorCodes.INVALID_GROUP_ID, members: [] };
  if (!mayUseGroup(call, "join", groupId)) {
    return { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, members: [] };
  }
  const group = call.server.coordinator.find(groupId);
  const leave = (memberId: string, groupInstanceId: string | null): number => {
    const fault = group === undefined ? "UNKNOWN_MEMBER_ID" : group.leave(memberId, groupInstanceId);
    return errorCodes[fault ?? "NONE"];
  };
  if (call.version < 3) return { errorCode: leave(request.memberId, null) };
  const members = [];
  for (const { memberId, groupInstanceId } of request.members) {
    members.push({ memberId, groupInstanceId, errorCode: leave(memberId, groupInstanceId) });
    yield unitsOfLeaving;
  }
  return { errorCode: errorCodes.NONE, members };
};
