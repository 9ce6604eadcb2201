/** DeleteGroups: forgets groups without members, with their positions. */
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const deleteGroups: Handler<"DeleteGroups"> = function* (call, request) {
  const results: { groupId: string; errorCode: number }[] = [];
  for (const groupId of request.groupsNames) {
    const positions = call.server.coordinator.positionCountOf(groupId);
    const errorCode = mayUseGroup(call, "delete", groupId)
      ? errorCodes[call.server.coordinator.delete(groupId) ?? "NONE"]
      : errorCodes.GROUP_AUTHORIZATION_FAILED;
    results.push({ groupId, errorCode });
    yield 2 + 2 * positions;
  }
  call.holdUntilDurable();
  return { results };
};
