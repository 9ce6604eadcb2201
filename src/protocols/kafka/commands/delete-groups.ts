/** DeleteGroups: forgets groups without members, with their positions. */
import type { Handler } from "../call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const deleteGroups: Handler<"DeleteGroups"> = (call, request) => {
  const results = request.groupsNames.map((groupId) => ({
    groupId,
    errorCode: errorCodes[call.node.coordinator.delete(groupId) ?? "NONE"],
  }));
  call.holdUntilDurable();
  return { results };
};
