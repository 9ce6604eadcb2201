/** OffsetDelete: forgets a group's positions on topics that none of its members subscribes to. */
import type { Job } from "../../../base/turn-work.ts";
import { mayUseGroup, mayUseTopic } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { consumerProtocolType, subscribedTopics } from "./consumer-protocol.ts";
import type { GroupCoordinator } from "./coordinator.ts";
import type { JoinDetails } from "./member.ts";
import { toBrokerName } from "../core/names.ts";
import { errorCodes } from "../wire/error-codes.ts";

const deletionsInPiece = 50;
const unitsOfDeletion = 2;
/** Of subscriptions that are read. */
const bytesPerUnit = 20;
const membersPerUnit = 50;

export const offsetDelete: Handler<"OffsetDelete"> = function* (call, request) {
  const { groupId } = request;
  const { coordinator, vhost } = call.server;
  if (groupId === "") return { errorCode: errorCodes.INVALID_GROUP_ID, topics: [] };
  if (!mayUseGroup(call, "delete", groupId)) {
    return { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, topics: [] };
  }
  if (!coordinator.exists(groupId)) return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, topics: [] };
  const group = coordinator.find(groupId);
  if (group !== undefined && group.members.size > 0 && group.protocolType !== consumerProtocolType) {
    return { errorCode: errorCodes.NON_EMPTY_GROUP, topics: [] };
  }
  const subscriptions = new Subscriptions(coordinator, groupId);
  yield* subscriptions.readNew();
  const remove = (name: string, partitionIndex: number): number => {
    if (!mayUseTopic(call, "read", name)) return errorCodes.TOPIC_AUTHORIZATION_FAILED;
    if (subscriptions.topics.has(name)) return errorCodes.GROUP_SUBSCRIBED_TO_TOPIC;
    vhost.groupOffsets.delete(toBrokerName(groupId), toBrokerName(name), partitionIndex);
    return errorCodes.NONE;
  };
  const topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[] = [];
  let left = deletionsInPiece;
  for (const { name, partitions } of request.topics) {
    const results: { partitionIndex: number; errorCode: number }[] = [];
    topics.push({ name, partitions: results });
    for (const { partitionIndex } of partitions) {
      results.push({ partitionIndex, errorCode: remove(name, partitionIndex) });
      if (--left > 0) continue;
      left = deletionsInPiece;
      yield deletionsInPiece * unitsOfDeletion + subscriptions.unitsOfLook;
      // After each pause: a member may have subscribed meanwhile.
      yield* subscriptions.readNew();
    }
  }
  call.holdUntilDurable();
  return { errorCode: errorCodes.NONE, topics };
};

/** The topics that the members of a group subscribe to, or have subscribed to since this was made. */
class Subscriptions {
  readonly topics = new Set<string>();
  readonly #coordinator: GroupCoordinator;
  readonly #groupId: string;
  readonly #read = new WeakSet<JoinDetails>();

  constructor(coordinator: GroupCoordinator, groupId: string) {
    this.#coordinator = coordinator;
    this.#groupId = groupId;
  }

  /** What it costs to find out that there is nothing new. */
  get unitsOfLook(): number {
    return Math.ceil((this.#coordinator.find(this.#groupId)?.members.size ?? 0) / membersPerUnit);
  }

  /** When it ends there is nothing new, in that turn. */
  *readNew(): Job<void> {
    for (;;) {
      const members = [...(this.#coordinator.find(this.#groupId)?.members.values() ?? [])];
      const news = members.filter(({ details }) => !this.#read.has(details));
      if (news.length === 0) return;
      yield this.unitsOfLook;
      for (const { details } of news) {
        this.#read.add(details);
        for (const { metadata } of details.protocols) {
          for (const topic of subscribedTopics(metadata)) this.topics.add(topic);
          yield Math.ceil(metadata.length / bytesPerUnit);
        }
      }
    }
  }
}
