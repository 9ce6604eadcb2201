/** JoinGroup: becomes a member, or stays one, and hears when all others have done so too. */
import { limits } from "../../../base/limits.ts";
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { refusal } from "./refusals.ts";
import type { JoinDetails } from "./member.ts";
import type { RequestBody } from "../wire/codec.ts";

/** Kafka's are 6 s and 30 min by default, and a setting (group.min.session.timeout.ms); a test has less time. */
const sessionTimeoutMsMin = 100;
const sessionTimeoutMsMax = 1_800_000;
/** Clients name one for each assignor that they have. */
const protocolsMax = 32;

export const joinGroup: Handler<"JoinGroup"> = (call, request) => {
  const { groupId, memberId, sessionTimeoutMs } = request;
  if (groupId === "" || Buffer.byteLength(groupId) > limits.nameBytesMax) {
    return refusal("INVALID_GROUP_ID", memberId);
  }
  if (!mayUseGroup(call, "join", groupId)) return refusal("GROUP_AUTHORIZATION_FAILED", memberId);
  if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
    return refusal("INVALID_SESSION_TIMEOUT", memberId);
  }
  if (request.protocols.length > protocolsMax) return refusal("INCONSISTENT_GROUP_PROTOCOL", memberId);
  const { coordinator, shares } = call.server;
  // The name is a share group's.
  if (shares.exists(groupId)) return refusal("INCONSISTENT_GROUP_PROTOCOL", memberId);
  if (memberId !== "" && coordinator.find(groupId) === undefined)
    return refusal("UNKNOWN_MEMBER_ID", memberId);
  const group = coordinator.findOrCreate(groupId);
  const details = detailsOf(request, call.clientId, call.connection.remote.host);
  // KIP-394: from version 4 a client is given its id first, so that one that gives up leaves no member behind.
  group.join(memberId, details, call.version >= 4, (result) => call.answer(result));
  if (group.isUnused) coordinator.forget(group);
  return "later";
};

/** Copies of what the group keeps: the request's bytes are not ours for long. */
function detailsOf(request: RequestBody<"JoinGroup">, clientId: string, host: string): JoinDetails {
  const { sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId, protocolType } = request;
  return {
    clientId,
    clientHost: `/${host}`,
    groupInstanceId,
    sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType,
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
  };
}
