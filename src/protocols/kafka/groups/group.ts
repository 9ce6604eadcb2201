/**
 * One classic consumer group: its members, their generations, and the rebalance in which they join and get their assignments. It
 * never reads metadata or assignments.
 *
 * States and what events do in them are in states.ts, how an assignor is chosen in election.ts; committed offsets are in
 * broker/groups/offsets.ts. Invariants: the group has a leader among its members whenever it is CompletingRebalance or Stable;
 * every member that waits for an answer gets exactly one; no member is in two generations.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Clock, Timer, Timers } from "../../../base/clock.ts";
import type { Random } from "../../../base/random.ts";
import { GroupMember, type JoinDetails, type JoinResult, noAssignment, type SyncResult } from "./member.ts";
import { GroupRoom, type RoomHost } from "./room.ts";
import { type GroupState, reactions } from "./states.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";
import { electProtocol, isSharedByAll } from "./election.ts";
import { refusal, syncRefusal } from "./refusals.ts";

/**
 * Kafka waits three seconds for more members of a new group; small jobs have no patience for that. Each member that comes prolongs the
 * wait, up to the rebalance timeout.
 */
const initialDelayMs = 100;

export interface GroupHost extends RoomHost {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** The last member is gone. */
  groupEmptied(group: Group): void;
}

/** The member that a request claims to come from. */
export interface MemberClaim {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}

export class Group {
  readonly id: string;
  readonly #host: GroupHost;
  state: GroupState = "Empty";
  generation = 0;
  protocolType: string | null = null;
  /** The assignor that all members agreed on. */
  protocolName: string | null = null;
  leaderId: string | null = null;
  readonly members = new Map<string, GroupMember>();
  /** Ids that were given out and not used yet (KIP-394). */
  readonly #pendingIds = new Map<string, Timer>();
  /** Member ids of those who have a name of their own (KIP-345). */
  readonly #staticIds = new Map<string, string>();
  /** Ends the wait for members, or for the leader's assignments. */
  #deadline: Timer | null = null;
  /** For what it keeps of its members. */
  readonly room: GroupRoom;
  #isFirstWait = false;
  /** When the first wait is over, whoever comes. */
  #firstWaitEndsAt = 0;

  constructor(id: string, host: GroupHost) {
    this.id = id;
    this.#host = host;
    this.room = new GroupRoom(host);
  }

  get isUnused(): boolean {
    return this.members.size === 0 && this.#pendingIds.size === 0;
  }

  /** After each event. */
  #assertSound(): void {
    const { members, state, leaderId } = this;
    const isLed = state === "CompletingRebalance" || state === "Stable";
    assertInvariant(
      !isLed || members.has(leaderId ?? ""),
      "a group that has a generation has a leader in it",
    );
    assertInvariant(state !== "Empty" || members.size === 0, "a group is empty when it has no members");
    let bytes = 0;
    let named = 0;
    for (const [id, member] of members) {
      bytes += member.bytes;
      assertInvariant(member.id === id, "a member goes by its id");
      assertInvariant(member.onJoined === null || member.onSynced === null, "a member waits for one answer");
      if (member.instanceId === null) continue;
      named++;
      assertInvariant(this.#staticIds.get(member.instanceId) === id, "a name is its member's");
    }
    assertInvariant(named === this.#staticIds.size, "no name outlives its member");
    assertInvariant(
      bytes === this.room.bytes,
      "what a group keeps is the sum of what it keeps of its members",
    );
  }

  // Joining

  join(
    memberId: string,
    details: JoinDetails,
    requiresKnownId: boolean,
    onJoined: (result: JoinResult) => void,
  ): void {
    if (!this.#supports(details)) return onJoined(refusal("INCONSISTENT_GROUP_PROTOCOL", memberId));
    const known = this.members.size + this.#pendingIds.size;
    const isNew = !this.members.has(memberId) && !this.#pendingIds.has(memberId);
    const noRoom = this.room.faultOf(details, this.members.get(memberId), isNew ? known + 1 : known);
    if (noRoom !== null) return onJoined(refusal(noRoom, memberId));
    if (memberId === "") this.#joinNew(details, requiresKnownId, onJoined);
    else if (this.#pendingIds.has(memberId)) this.#joinPending(memberId, details, onJoined);
    else this.#joinAgain(memberId, details, onJoined);
  }

  /** Whether all members could agree on one of the protocols. */
  #supports({ protocolType, protocols }: JoinDetails): boolean {
    if (protocolType === "" || protocols.length === 0) return false;
    if (this.members.size === 0) return true;
    if (protocolType !== this.protocolType) return false;
    return protocols.some(({ name }) => isSharedByAll(this.members, name));
  }

  #joinNew(details: JoinDetails, requiresKnownId: boolean, onJoined: (result: JoinResult) => void): void {
    const reaction = reactions[this.state].joinNew;
    if (reaction !== "rebalance") return onJoined(refusal(reaction, ""));
    const { groupInstanceId } = details;
    const memberId = this.#makeMemberId(groupInstanceId ?? details.clientId);
    const oldId = groupInstanceId === null ? undefined : this.#staticIds.get(groupInstanceId);
    if (oldId !== undefined)
      return this.#replaceStatic(this.members.get(oldId)!, memberId, details, onJoined);
    if (requiresKnownId && groupInstanceId === null) {
      const forget = (): void => this.#forgetPending(memberId);
      this.#pendingIds.set(memberId, this.#host.timers.after(details.sessionTimeoutMs, forget));
      return onJoined(refusal("MEMBER_ID_REQUIRED", memberId));
    }
    this.#add(memberId, details, onJoined);
  }

  #makeMemberId(name: string): string {
    const hex = Buffer.from(this.#host.random.bytes(16)).toString("hex");
    return `${name}-${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
  }

  #joinPending(memberId: string, details: JoinDetails, onJoined: (result: JoinResult) => void): void {
    this.#pendingIds.get(memberId)!.cancel();
    this.#pendingIds.delete(memberId);
    this.#add(memberId, details, onJoined);
  }

  #forgetPending(memberId: string): void {
    if (!this.#pendingIds.delete(memberId)) return;
    this.#completeIfAllJoined();
    if (this.isUnused) this.#host.groupEmptied(this);
  }

  #add(memberId: string, details: JoinDetails, onJoined: (result: JoinResult) => void): void {
    const member = new GroupMember(memberId, details, this.#host.clock.monotonic());
    member.onJoined = onJoined;
    this.room.joined(member);
    if (this.members.size === 0) this.protocolType = details.protocolType;
    this.members.set(memberId, member);
    if (member.instanceId !== null) this.#staticIds.set(member.instanceId, memberId);
    this.leaderId ??= memberId;
    this.#watch(member);
    this.#rebalance();
  }

  #joinAgain(memberId: string, details: JoinDetails, onJoined: (result: JoinResult) => void): void {
    const fault = this.#faultOf({ memberId, groupInstanceId: details.groupInstanceId });
    if (fault !== null) return onJoined(refusal(fault, memberId));
    const member = this.members.get(memberId)!;
    member.seenAt = this.#host.clock.monotonic();
    const reaction = reactions[this.state].joinAgain;
    switch (reaction) {
      case "rebalance":
        return this.#awaitJoin(member, details, onJoined);
      case "unlessSame":
      case "unlessSameFollower": {
        const isSame = member.hasSameProtocols(details.protocols);
        const mustAssign = reaction === "unlessSameFollower" && memberId === this.leaderId;
        if (!isSame || mustAssign) return this.#awaitJoin(member, details, onJoined);
        return onJoined(this.#resultFor(member));
      }
      default:
        return onJoined(refusal(reaction, memberId));
    }
  }

  #awaitJoin(member: GroupMember, details: JoinDetails, onJoined: (result: JoinResult) => void): void {
    // The same member asks again, perhaps by a new connection: the first request will not be read any more.
    member.onJoined?.(refusal("REBALANCE_IN_PROGRESS", member.id));
    this.room.keep(member, details, member.assignment);
    member.onJoined = onJoined;
    this.#rebalance();
  }

  /** A static member is back under a new id. If it is what it was, the others need not notice. */
  #replaceStatic(
    member: GroupMember,
    memberId: string,
    details: JoinDetails,
    onJoined: (result: JoinResult) => void,
  ): void {
    const oldId = member.id;
    const isSame = member.metadataFor(this.protocolName).equals(metadataOf(details, this.protocolName));
    this.#dismiss(member, "FENCED_INSTANCE_ID");
    this.members.delete(oldId);
    member.id = memberId;
    this.room.keep(member, details, member.assignment);
    member.seenAt = this.#host.clock.monotonic();
    this.members.set(memberId, member);
    this.#staticIds.set(member.instanceId!, memberId);
    const wasLeader = this.leaderId === oldId;
    if (wasLeader) this.leaderId = memberId;
    if (this.state === "Stable" && isSame) {
      // The answer names another leader, or the member would assign again.
      const result = this.#resultFor(member);
      return onJoined(wasLeader ? { ...result, leader: oldId, members: [] } : result);
    }
    member.onJoined = onJoined;
    this.#rebalance();
  }

  // Rebalancing

  /** Has all members join again; members that do not are out. */
  #rebalance(): void {
    if (this.state === "PreparingRebalance") {
      if (this.#isFirstWait) this.#waitForMembers(Math.min(initialDelayMs, this.#firstWaitLeftMs));
      return this.#completeIfAllJoined();
    }
    this.#isFirstWait = this.state === "Empty";
    this.state = "PreparingRebalance";
    for (const member of this.members.values()) {
      this.#answerSync(member, "REBALANCE_IN_PROGRESS");
      this.room.keep(member, member.details, noAssignment);
    }
    this.#firstWaitEndsAt = this.#host.clock.monotonic() + this.#rebalanceTimeoutMs;
    this.#waitForMembers(this.#isFirstWait ? initialDelayMs : this.#rebalanceTimeoutMs);
    this.#completeIfAllJoined();
  }

  get #firstWaitLeftMs(): number {
    return Math.max(this.#firstWaitEndsAt - this.#host.clock.monotonic(), 0);
  }

  get #rebalanceTimeoutMs(): number {
    let most = 0;
    for (const { details } of this.members.values()) most = Math.max(most, details.rebalanceTimeoutMs);
    return most;
  }

  #waitForMembers(delayMs: number): void {
    this.#deadline?.cancel();
    this.#deadline = this.#host.timers.after(delayMs, () => this.#complete());
  }

  #completeIfAllJoined(): void {
    if (this.state !== "PreparingRebalance" || this.#isFirstWait || this.#pendingIds.size > 0) return;
    for (const member of this.members.values()) if (member.onJoined === null) return;
    this.#complete();
  }

  /** Everybody has joined, or had the time to: begins the next generation. */
  #complete(): void {
    this.#deadline?.cancel();
    this.#isFirstWait = false;
    const absent = [...this.members.values()].filter((member) => member.onJoined === null);
    // Static members may be away for as long as their session lasts.
    for (const member of absent) if (member.instanceId === null) this.#forget(member);
    if (this.members.size === 0) return this.#becomeEmpty();
    const joined = [...this.members.values()].filter((member) => member.onJoined !== null);
    if (joined.length === 0) return this.#waitForMembers(this.#rebalanceTimeoutMs);
    this.generation++;
    this.protocolName = electProtocol(this.members);
    this.state = "CompletingRebalance";
    if (!joined.some(({ id }) => id === this.leaderId)) this.leaderId = joined[0]!.id;
    this.#deadline = this.#host.timers.after(this.#rebalanceTimeoutMs, () => this.#syncExpired());
    for (const member of joined) {
      const onJoined = member.onJoined!;
      member.onJoined = null;
      member.seenAt = this.#host.clock.monotonic();
      onJoined(this.#resultFor(member));
    }
    if (assertsAreOn) this.#assertSound();
  }

  #becomeEmpty(): void {
    this.generation++;
    this.state = "Empty";
    this.protocolName = null;
    this.leaderId = null;
    if (this.isUnused) this.#host.groupEmptied(this);
  }

  #resultFor(member: GroupMember): JoinResult {
    const isLeader = member.id === this.leaderId;
    const members = isLeader
      ? [...this.members.values()].map((other) => ({
          memberId: other.id,
          groupInstanceId: other.instanceId,
          metadata: other.metadataFor(this.protocolName),
        }))
      : [];
    return {
      errorCode: errorCodes.NONE,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leaderId!,
      memberId: member.id,
      skipAssignment: false,
      members,
    };
  }

  // Assignments

  sync(
    claim: MemberClaim,
    protocol: { type: string | null; name: string | null },
    assignments: readonly { memberId: string; assignment: Buffer }[],
    onSynced: (result: SyncResult) => void,
  ): void {
    const fault = this.#faultOf(claim) ?? this.#protocolFault(protocol);
    const reaction = fault ?? reactions[this.state].sync;
    if (reaction !== "collect" && reaction !== "answer") return onSynced(syncRefusal(reaction));
    const member = this.members.get(claim.memberId)!;
    member.seenAt = this.#host.clock.monotonic();
    if (reaction === "answer") return onSynced(this.#syncResult(member));
    if (member.id === this.leaderId && !this.room.fits(assignments)) {
      return onSynced(syncRefusal("MESSAGE_TOO_LARGE"));
    }
    this.#answerSync(member, "REBALANCE_IN_PROGRESS");
    member.onSynced = onSynced;
    if (member.id === this.leaderId) this.#assign(assignments);
  }

  #protocolFault({ type, name }: { type: string | null; name: string | null }): KafkaErrorName | null {
    const isOther =
      (type !== null && type !== this.protocolType) || (name !== null && name !== this.protocolName);
    return isOther ? "INCONSISTENT_GROUP_PROTOCOL" : null;
  }

  #assign(assignments: readonly { memberId: string; assignment: Buffer }[]): void {
    this.#deadline?.cancel();
    // Copies: what came lies in the leader's request.
    for (const { memberId, assignment } of assignments) {
      const member = this.members.get(memberId);
      if (member !== undefined) this.room.keep(member, member.details, Buffer.from(assignment));
    }
    this.state = "Stable";
    for (const member of this.members.values()) {
      const { onSynced } = member;
      member.onSynced = null;
      if (onSynced === null) continue;
      member.seenAt = this.#host.clock.monotonic();
      onSynced(this.#syncResult(member));
    }
    if (assertsAreOn) this.#assertSound();
  }

  #syncResult({ assignment }: GroupMember): SyncResult {
    const { protocolType, protocolName } = this;
    return { errorCode: errorCodes.NONE, protocolType, protocolName, assignment };
  }

  /** Members that took their generation and did not come for their share of it are out. */
  #syncExpired(): void {
    if (this.state !== "CompletingRebalance") return;
    for (const member of this.members.values()) if (member.onSynced === null) this.#forget(member);
    this.#rebalance();
  }

  // Living and leaving

  heartbeat(claim: MemberClaim): KafkaErrorName | null {
    const fault = this.#faultOf(claim);
    if (fault !== null) return fault;
    this.members.get(claim.memberId)!.seenAt = this.#host.clock.monotonic();
    if (assertsAreOn) this.#assertSound();
    const reaction = reactions[this.state].heartbeat;
    return reaction === "accept" ? null : reaction;
  }

  /** Whether offsets may be committed. A generation below 0 and no id mean a client without membership. */
  commit(claim: MemberClaim): KafkaErrorName | null {
    const reaction = reactions[this.state].commit;
    if (claim.generationId < 0 && claim.memberId === "" && claim.groupInstanceId === null) {
      return this.state === "Empty" ? null : "UNKNOWN_MEMBER_ID";
    }
    const fault = this.#faultOf(claim);
    if (fault !== null) return fault;
    this.members.get(claim.memberId)!.seenAt = this.#host.clock.monotonic();
    return reaction === "accept" ? null : reaction;
  }

  leave(memberId: string, groupInstanceId: string | null): KafkaErrorName | null {
    const pending = this.#pendingIds.get(memberId);
    if (pending !== undefined) {
      pending.cancel();
      this.#forgetPending(memberId);
      return null;
    }
    // An administrator removes a static member by its name alone.
    const knownId =
      memberId === "" && groupInstanceId !== null ? this.#staticIds.get(groupInstanceId) : memberId;
    const fault = this.#faultOf({ memberId: knownId ?? "", groupInstanceId });
    if (fault !== null) return fault;
    this.#remove(this.members.get(knownId!)!);
    return null;
  }

  #faultOf(claim: {
    memberId: string;
    groupInstanceId: string | null;
    generationId?: number;
  }): KafkaErrorName | null {
    if (claim.groupInstanceId !== null) {
      const knownId = this.#staticIds.get(claim.groupInstanceId);
      if (knownId === undefined) return "UNKNOWN_MEMBER_ID";
      if (knownId !== claim.memberId) return "FENCED_INSTANCE_ID";
    }
    if (!this.members.has(claim.memberId)) return "UNKNOWN_MEMBER_ID";
    if (claim.generationId !== undefined && claim.generationId !== this.generation)
      return "ILLEGAL_GENERATION";
    return null;
  }

  /** Removes the member once it has been silent for its session timeout, unless it waits for us. */
  #watch(member: GroupMember, delayMs: number = member.details.sessionTimeoutMs): void {
    this.#host.timers.after(delayMs, () => {
      if (this.members.get(member.id) !== member) return;
      const { sessionTimeoutMs } = member.details;
      const silentMs = this.#host.clock.monotonic() - member.seenAt;
      if (member.isWaiting) this.#watch(member);
      else if (silentMs < sessionTimeoutMs) this.#watch(member, Math.ceil(sessionTimeoutMs - silentMs));
      else this.#remove(member);
    });
  }

  #remove(member: GroupMember): void {
    this.#forget(member);
    const reaction = reactions[this.state].memberGone;
    if (reaction === "rebalance") this.#rebalance();
    else if (reaction === "complete") this.#completeIfAllJoined();
    if (assertsAreOn) this.#assertSound();
  }

  #forget(member: GroupMember): void {
    this.members.delete(member.id);
    this.room.left(member);
    if (member.instanceId !== null) this.#staticIds.delete(member.instanceId);
    if (this.leaderId === member.id) this.leaderId = null;
    this.#dismiss(member, "UNKNOWN_MEMBER_ID");
  }

  /** Answers what the member waits for, by an error. */
  #dismiss(member: GroupMember, error: KafkaErrorName): void {
    const { onJoined } = member;
    member.onJoined = null;
    onJoined?.(refusal(error, member.id));
    this.#answerSync(member, error);
  }

  #answerSync(member: GroupMember, error: KafkaErrorName): void {
    const { onSynced } = member;
    member.onSynced = null;
    onSynced?.(syncRefusal(error));
  }
}

function metadataOf(details: JoinDetails, protocol: string | null): Buffer {
  return details.protocols.find(({ name }) => name === protocol)?.metadata ?? noAssignment;
}
