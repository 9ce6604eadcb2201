/** SyncGroup: the leader hands in who gets what; each member hears its own part. */
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { syncRefusal } from "./refusals.ts";

export const syncGroup: Handler<"SyncGroup"> = (call, request) => {
  const { groupId, protocolType, protocolName } = request;
  if (groupId === "") return syncRefusal("INVALID_GROUP_ID");
  if (!mayUseGroup(call, "join", groupId)) return syncRefusal("GROUP_AUTHORIZATION_FAILED");
  const group = call.server.coordinator.find(groupId);
  if (group === undefined) return syncRefusal("UNKNOWN_MEMBER_ID");
  if (group.members.has(request.memberId)) call.caller.joined(groupId, request.memberId);
  group.sync(request, { type: protocolType, name: protocolName }, request.assignments, (result) =>
    call.answer(result),
  );
  return "later";
};
