/** Heartbeat: a member lives; REBALANCE_IN_PROGRESS tells it to join again. */
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const heartbeat: Handler<"Heartbeat"> = (call, request) => {
  if (request.groupId === "") return { errorCode: errorCodes.INVALID_GROUP_ID };
  if (!mayUseGroup(call, "join", request.groupId)) {
    return { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED };
  }
  const group = call.server.coordinator.find(request.groupId);
  const fault = group === undefined ? "UNKNOWN_MEMBER_ID" : group.heartbeat(request);
  return { errorCode: errorCodes[fault ?? "NONE"] };
};
