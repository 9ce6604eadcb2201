/** DeleteGroups: forgets groups without members, with their positions. */
import { mayUseGroup } from "../authorize.ts";
import type { Handler } from "../call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const deleteGroups: Handler<"DeleteGroups"> = (call, request) => {
  const results = request.groupsNames.map((groupId) => ({
    groupId,
    errorCode: mayUseGroup(call, "delete", groupId)
      ? errorCodes[call.node.coordinator.delete(groupId) ?? "NONE"]
      : errorCodes.GROUP_AUTHORIZATION_FAILED,
  }));
  call.holdUntilDurable();
  return { results };
};
