/**
 * All share groups of the cluster: those with members (in memory) and those that are only kept (broker/groups/share/share-groups.ts).
 *
 * Invariant: a group is in `#groups` just as long as it has members; what is kept of members is counted among the bytes in flight.
 */
import { limits } from "../../../base/limits.ts";
import type { ShareGroups } from "../../../broker/groups/share/share-groups.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { fromBrokerName, toBrokerName } from "../core/names.ts";
import type { TopicDirectory } from "../topics/directory.ts";
import { ShareGroup, type ShareGroupHost, type ShareMember } from "./share-group.ts";
import { ShareSessions } from "./share-sessions.ts";

/** What a member takes beside its texts. */
const memberBytesLeast = 512;
/** A name in its subscription, and in the index of subscribers. */
const topicBytesLeast = 64;

export class ShareCoordinator {
  readonly #vhost: Vhost;
  readonly #groups = new Map<string, ShareGroup>();
  readonly #host: ShareGroupHost;
  readonly sessions = new ShareSessions();
  /** Of the members of all groups. */
  #memberBytes = 0;

  constructor(vhost: Vhost, topics: TopicDirectory) {
    this.#vhost = vhost;
    const { clock, timers } = vhost.broker;
    this.#host = {
      clock,
      timers,
      sessionTimeoutMsOf: (groupId) => this.kept.settingsOf(toBrokerName(groupId)).sessionTimeoutMs,
      findTopic: (name) => topics.find(name),
      memberTimedOut: (group, member) => {
        this.#count(-member.bytes);
        this.sessions.close(group.id, member.id);
      },
      groupEmptied: (group) => this.#groups.delete(group.id),
    };
  }

  get kept(): ShareGroups {
    return this.#vhost.shareGroups;
  }

  find(groupId: string): ShareGroup | undefined {
    return this.#groups.get(groupId);
  }

  exists(groupId: string): boolean {
    return this.#groups.has(groupId) || this.kept.has(toBrokerName(groupId));
  }

  /** Each group once. Groups that come or go meanwhile may be left out. */
  *all(): Generator<{ groupId: string; state: string }> {
    for (const groupId of this.#groups.keys()) yield { groupId, state: "Stable" };
    for (const name of this.kept.names()) {
      const groupId = fromBrokerName(name);
      if (!this.#groups.has(groupId)) yield { groupId, state: "Empty" };
    }
  }

  /** Null where the group has its most members. */
  join(
    groupId: string,
    details: Pick<ShareMember, "id" | "clientId" | "clientHost" | "rackId">,
  ): ShareMember | null {
    let group = this.#groups.get(groupId);
    if (group === undefined) this.#groups.set(groupId, (group = new ShareGroup(groupId, this.#host)));
    if (group.members.size >= limits.kafkaGroupMembersMax) return null;
    this.kept.enter(toBrokerName(groupId), []);
    return group.add(details);
  }

  /** Whether there is room for a member's subscription to these topics; it is counted then. */
  keepSubscription(group: ShareGroup, member: ShareMember, topics: readonly string[]): boolean {
    let bytes = memberBytesLeast + member.clientId.length;
    for (const topic of topics) bytes += topicBytesLeast + topic.length;
    const more = bytes - member.bytes;
    let groupBytes = more;
    for (const each of group.members.values()) groupBytes += each.bytes;
    if (bytes > limits.kafkaMemberBytesMax || groupBytes > limits.kafkaGroupBytesMax) return false;
    if (this.#memberBytes + more > limits.kafkaGroupsBytesMax) return false;
    member.bytes = bytes;
    this.#count(more);
    return true;
  }

  #count(bytes: number): void {
    this.#memberBytes += bytes;
    this.#vhost.broker.inFlight.keep(bytes);
  }

  leave(group: ShareGroup, member: ShareMember): void {
    this.#count(-member.bytes);
    group.remove(member);
  }
}
