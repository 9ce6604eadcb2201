/** DeleteGroups: forgets groups and share groups without members, with their positions. */
import { mayUseGroup } from "../core/authorize.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Call, Handler } from "../core/call.ts";
import { toBrokerName } from "../core/names.ts";
import { leaveTopic } from "../share/leave-topic.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const deleteGroups: Handler<"DeleteGroups"> = function* (call, request) {
  const results: { groupId: string; errorCode: number }[] = [];
  for (const groupId of request.groupsNames) {
    if (call.server.shares.exists(groupId)) {
      results.push({ groupId, errorCode: yield* deleteShareGroup(call, groupId) });
      continue;
    }
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

/** With its groups of the streams in which it has been. */
function* deleteShareGroup(call: Call<"DeleteGroups">, groupId: string): Job<number> {
  const { shares, vhost } = call.server;
  if (!mayUseGroup(call, "delete", groupId)) return errorCodes.GROUP_AUTHORIZATION_FAILED;
  if (shares.find(groupId) !== undefined) return errorCodes.NON_EMPTY_GROUP;
  const name = toBrokerName(groupId);
  const topics = [...vhost.shareGroups.topicsOf(name)];
  vhost.shareGroups.delete(name);
  for (const topic of topics) yield* leaveTopic(call.server, name, topic);
  return errorCodes.NONE;
}
