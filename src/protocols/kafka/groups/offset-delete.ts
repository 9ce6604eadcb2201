/** OffsetDelete: forgets a group's positions on topics that none of its members subscribes to. */
import type { Job } from "../../../base/turn-work.ts";
import { mayUseGroup, mayUseTopic } from "../core/authorize.ts";
import type { Group } from "./group.ts";
import type { Handler } from "../core/call.ts";
import { consumerProtocolType, subscribedTopics } from "./consumer-protocol.ts";
import { toBrokerName } from "../core/names.ts";
import { errorCodes } from "../wire/error-codes.ts";

/** Of subscriptions that are read. */
const bytesPerUnit = 20;

export const offsetDelete: Handler<"OffsetDelete"> = function* (call, request) {
  const { groupId } = request;
  const { coordinator, vhost } = call.server;
  if (groupId === "") return { errorCode: errorCodes.INVALID_GROUP_ID, topics: [] };
  if (!mayUseGroup(call, "delete", groupId)) {
    return { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, topics: [] };
  }
  if (!coordinator.exists(groupId)) return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, topics: [] };
  const group = coordinator.find(groupId);
  const hasMembers = group !== undefined && group.members.size > 0;
  if (hasMembers && group.protocolType !== consumerProtocolType) {
    return { errorCode: errorCodes.NON_EMPTY_GROUP, topics: [] };
  }
  const subscribed = hasMembers ? yield* subscriptionOf(group) : new Set<string>();
  const remove = (name: string, partitionIndex: number): number => {
    if (!mayUseTopic(call, "read", name)) return errorCodes.TOPIC_AUTHORIZATION_FAILED;
    if (subscribed.has(name)) return errorCodes.GROUP_SUBSCRIBED_TO_TOPIC;
    vhost.groupOffsets.delete(toBrokerName(groupId), toBrokerName(name), partitionIndex);
    return errorCodes.NONE;
  };
  const topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const results: { partitionIndex: number; errorCode: number }[] = [];
    topics.push({ name, partitions: results });
    for (const { partitionIndex } of partitions) {
      results.push({ partitionIndex, errorCode: remove(name, partitionIndex) });
      yield 2;
    }
  }
  call.holdUntilDurable();
  return { errorCode: errorCodes.NONE, topics };
};

function* subscriptionOf(group: Group): Job<Set<string>> {
  const topics = new Set<string>();
  for (const { details } of group.members.values()) {
    for (const { metadata } of details.protocols) {
      for (const topic of subscribedTopics(metadata)) topics.add(topic);
      yield Math.ceil(metadata.length / bytesPerUnit);
    }
  }
  return topics;
}
