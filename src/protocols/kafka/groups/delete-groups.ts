/** DeleteGroups: forgets groups and share groups without members, with their positions. */
import { mayUseLog } from "../../../broker/access/rights.ts";
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

/**
 * With its groups of the streams in which it has been. A stream's group is that of Redis and AMQP consumers of its name too: so it must not have consumers of
 * AMQP's, and who deletes it must have the right to settle what it holds.
 */
function* deleteShareGroup(call: Call<"DeleteGroups">, groupId: string): Job<number> {
  const { shares, vhost } = call.server;
  if (!mayUseGroup(call, "delete", groupId)) return errorCodes.GROUP_AUTHORIZATION_FAILED;
  const name = toBrokerName(groupId);
  const topics = [...vhost.shareGroups.topicsOf(name)];
  for (const topic of topics) {
    for (const queue of vhost.topics.find(topic)?.partitions ?? []) {
      yield 1;
      const cursor = queue.groups.get(name);
      if (cursor === undefined) continue;
      if (!mayUseLog(call.caller, "settle", vhost, queue.name)) return errorCodes.GROUP_AUTHORIZATION_FAILED;
      if (cursor.feed !== null) return errorCodes.NON_EMPTY_GROUP;
    }
  }
  if (shares.find(groupId) !== undefined) return errorCodes.NON_EMPTY_GROUP;
  vhost.shareGroups.delete(name);
  for (const topic of topics) yield* leaveTopic(call.server, name, topic);
  return errorCodes.NONE;
}
