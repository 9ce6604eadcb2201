/**
 * All consumer groups of the cluster: those with members (in memory) and those that only have positions (durable).
 *
 * After a restart members are unknown and join again, as their clients do by themselves; positions are all there.
 * Invariant: a group is in `#groups` as long as it has members or ids that may become members.
 */
import { assertInvariant } from "../../../base/assert.ts";
import type { GroupCommits } from "../../../broker/groups/offsets.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { consumerProtocolType } from "./consumer-protocol.ts";
import { Group, type GroupHost, type MemberClaim } from "./group.ts";
import { reactions } from "./states.ts";
import { fromBrokerName, toBrokerName } from "../core/names.ts";
import type { KafkaErrorName } from "../wire/error-codes.ts";

export class GroupCoordinator {
  readonly #vhost: Vhost;
  readonly #groups = new Map<string, Group>();
  readonly #host: GroupHost;

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
    const { clock, timers, random, inFlight } = vhost.broker;
    vhost.groupOffsets.hasMembers = (name) => this.#groups.has(fromBrokerName(name));
    let memberBytes = 0;
    this.#host = {
      clock,
      timers,
      random,
      get memberBytes() {
        return memberBytes;
      },
      set memberBytes(bytes) {
        inFlight.keep(bytes - memberBytes);
        memberBytes = bytes;
      },
      groupEmptied: (group) => this.forget(group),
    };
  }

  /** The group with members. */
  find(groupId: string): Group | undefined {
    return this.#groups.get(groupId);
  }

  findOrCreate(groupId: string): Group {
    let group = this.#groups.get(groupId);
    if (group === undefined) this.#groups.set(groupId, (group = new Group(groupId, this.#host)));
    return group;
  }

  /** The group has no members, nor anybody who may become one. */
  forget(group: Group): void {
    assertInvariant(group.isUnused, "a group that is forgotten has no members, nor ids that may become some");
    if (this.#groups.get(group.id) === group) this.#groups.delete(group.id);
  }

  /** Committed positions by broker topic name. */
  commitsOf(groupId: string): GroupCommits | undefined {
    return this.#vhost.groupOffsets.groups.get(toBrokerName(groupId));
  }

  /** How many positions the group has committed. */
  positionCountOf(groupId: string): number {
    let count = 0;
    for (const partitions of this.commitsOf(groupId)?.values() ?? []) count += partitions.size;
    return count;
  }

  /** Whether this member, or a client without membership, may commit for the group. */
  checkCommit(groupId: string, claim: MemberClaim): KafkaErrorName | null {
    const group = this.#groups.get(groupId);
    if (group !== undefined) return group.commit(claim);
    if (claim.generationId < 0) return null;
    // A member from before the restart: its client joins again when it hears this.
    return this.commitsOf(groupId) === undefined ? "ILLEGAL_GENERATION" : "UNKNOWN_MEMBER_ID";
  }

  exists(groupId: string): boolean {
    return this.#groups.has(groupId) || this.commitsOf(groupId) !== undefined;
  }

  /** Each group once: with members or with positions. Groups that come or go meanwhile may be left out. */
  *all(): Generator<{ groupId: string; state: string; protocolType: string }> {
    for (const { id, state, protocolType } of this.#groups.values()) {
      yield { groupId: id, state, protocolType: protocolType ?? "" };
    }
    for (const name of this.#vhost.groupOffsets.groups.keys()) {
      const groupId = fromBrokerName(name);
      if (!this.#groups.has(groupId)) yield { groupId, state: "Empty", protocolType: consumerProtocolType };
    }
  }

  /** Forgets a group without members, with its positions. */
  delete(groupId: string): KafkaErrorName | null {
    if (!this.exists(groupId)) return "GROUP_ID_NOT_FOUND";
    const group = this.#groups.get(groupId);
    const reaction = reactions[group?.state ?? "Empty"].delete;
    if (reaction !== "accept") return reaction;
    if (group !== undefined) {
      group.state = "Dead";
      this.#groups.delete(groupId);
    }
    this.#vhost.groupOffsets.deleteGroup(toBrokerName(groupId));
    return null;
  }
}
