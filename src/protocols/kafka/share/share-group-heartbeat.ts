/** ShareGroupHeartbeat: becomes a member of a share group, stays one, or leaves, and hears which partitions to read. */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import { enterStreamGroup } from "../../../broker/groups/share/share-start.ts";
import { mayUseGroup, mayUsePartition, mayUseTopic } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { toBrokerName } from "../core/names.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";
import type { ShareGroup, ShareMember } from "./share-group.ts";

type Answer = ResponseInput<"ShareGroupHeartbeat">;

const epochs = { leaving: -1, joining: 0 } as const;
const unitsOfBeginning = 10;

function refusal(error: KafkaErrorName, errorMessage: string | null = null): Answer {
  return { errorCode: errorCodes[error], errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 };
}

export const shareGroupHeartbeat: Handler<"ShareGroupHeartbeat"> = function* (call, request) {
  const { groupId, memberId, memberEpoch } = request;
  if (memberId === "") return refusal("INVALID_REQUEST");
  const fault = faultOf(request);
  if (fault !== null) return refusal("INVALID_REQUEST", fault);
  if (Buffer.byteLength(groupId) > limits.nameBytesMax) return refusal("INVALID_GROUP_ID");
  if (!mayUseGroup(call, "join", groupId)) return refusal("GROUP_AUTHORIZATION_FAILED");
  const { shares, coordinator } = call.server;
  if (!shares.exists(groupId) && coordinator.exists(groupId))
    return refusal("GROUP_ID_NOT_FOUND", `Group ${groupId} is not a share group.`);
  const topics = request.subscribedTopicNames === null ? null : [...new Set(request.subscribedTopicNames)];
  for (const topic of topics ?? []) {
    if (!mayUseTopic(call, "describe", topic)) return refusal("TOPIC_AUTHORIZATION_FAILED");
    yield 1;
  }
  const group = shares.find(groupId);
  let member = group?.members.get(memberId);
  if (memberEpoch === epochs.leaving) {
    if (!shares.exists(groupId)) return refusal("GROUP_ID_NOT_FOUND", `Group ${groupId} not found.`);
    if (member === undefined) return unknownMember(request);
    shares.leave(group!, member);
    return { errorCode: errorCodes.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 };
  }
  if (memberEpoch !== epochs.joining) {
    if (!shares.exists(groupId)) return refusal("GROUP_ID_NOT_FOUND", `Share group ${groupId} not found.`);
    if (member === undefined) return unknownMember(request);
    if (memberEpoch !== member.epoch && memberEpoch !== member.previousEpoch)
      return refusal("FENCED_MEMBER_EPOCH", fenced(memberEpoch, member.epoch));
  }
  if (member === undefined) {
    const { clientId } = call;
    const details = {
      id: memberId,
      clientId,
      clientHost: `/${call.connection.remote.host}`,
      rackId: request.rackId,
    };
    const joined = shares.join(groupId, details);
    if (joined === null)
      return refusal(
        "GROUP_MAX_SIZE_REACHED",
        `The share group has reached its maximum capacity of ${limits.kafkaGroupMembersMax} members.`,
      );
    member = joined;
  }
  return yield* stay(call, shares.find(groupId)!, member, topics);
};

/** In Kafka's words. */
function faultOf({
  groupId,
  memberId,
  memberEpoch,
  subscribedTopicNames,
  rackId,
}: RequestBody<"ShareGroupHeartbeat">): string | null {
  if (memberId.trim() === "") return "MemberId can't be empty.";
  if (Buffer.byteLength(memberId) > limits.nameBytesMax)
    return `MemberId has ${limits.nameBytesMax} bytes at most.`;
  if (groupId.trim() === "") return "GroupId can't be empty.";
  if (rackId?.trim() === "") return "RackId can't be empty.";
  if (memberEpoch < epochs.leaving) return "MemberEpoch is invalid.";
  if (memberEpoch === epochs.joining && (subscribedTopicNames?.length ?? 0) === 0)
    return "SubscribedTopicNames must be set in first request.";
  return null;
}

function fenced(told: number, known: number): string {
  const how = told > known ? "greater" : "smaller";
  return (
    `The share group member has a ${how} member epoch (${told}) than the one known by the group coordinator (${known}). ` +
    "The member must abandon all its partitions and rejoin."
  );
}

function unknownMember({ memberId, groupId }: RequestBody<"ShareGroupHeartbeat">): Answer {
  return refusal("UNKNOWN_MEMBER_ID", `Member ${memberId} is not a member of group ${groupId}.`);
}

function* stay(
  call: Call<"ShareGroupHeartbeat">,
  group: ShareGroup,
  member: ShareMember,
  topics: readonly string[] | null,
): Job<Answer> {
  const { shares, broker, vhost } = call.server;
  member.seenAt = broker.clock.monotonic();
  if (topics !== null) {
    if (!shares.keepSubscription(group, member, topics)) {
      if (member.topics.length === 0) shares.leave(group, member);
      return refusal("GROUP_MAX_SIZE_REACHED", "The subscription has more topics than there is room for.");
    }
    yield* group.subscribe(member, topics);
  }
  const isChanged = yield* group.assign(member);
  // It left meanwhile by another connection, or was away for too long.
  if (group.members.get(member.id) !== member) return refusal("UNKNOWN_MEMBER_ID");
  const isTold = isChanged || topics !== null;
  group.caughtUp(member, isChanged);
  if (isChanged) yield* begin(call, group, member);
  const { heartbeatIntervalMs } = vhost.shareGroups.settingsOf(toBrokerName(group.id));
  return {
    errorCode: errorCodes.NONE,
    memberId: member.id,
    memberEpoch: member.epoch,
    heartbeatIntervalMs,
    assignment: isTold
      ? {
          topicPartitions: [...member.assignment].map(([topicId, { partitions }]) => ({
            topicId,
            partitions,
          })),
        }
      : null,
  };
}

/**
 * The group begins in partitions that are new to it, before anybody is told to read them; not in those that the member may not take records of.
 * That it is in a topic is written first: a kill leaves no group in a stream that nobody knows of.
 */
function* begin(
  call: Call<"ShareGroupHeartbeat">,
  group: ShareGroup,
  { assignment }: ShareMember,
): Job<void> {
  const name = toBrokerName(group.id);
  const { vhost, topics } = call.server;
  vhost.shareGroups.enter(
    name,
    [...assignment.values()].map(({ topic }) => toBrokerName(topic.name)),
  );
  for (const [id, { partitions }] of assignment) {
    for (const index of partitions) {
      const topic = topics.findById(id);
      const queue = topic?.queue(index);
      if (queue === undefined || queue.kind !== "stream" || queue.groups.has(name)) continue;
      if (mayUsePartition(call, "take", topic, topic!.name, index)) enterStreamGroup(queue, name);
      yield unitsOfBeginning;
    }
  }
  call.holdUntilSettled();
}
