/**
 * The members of one share group: who they are, what they subscribe to, and which partitions each reads.
 *
 * Members are in memory; after a restart they join again by themselves. Not here: what they hold (broker/groups/share/), sessions
 * (share-sessions.ts). Invariants: `subscribers` has a member under just those topics that it subscribes to, in order of their ids; the group's
 * epoch grows with each change of its members, their subscriptions or their assignments, and no member's is above it.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Clock, Timer, Timers } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { KafkaTopic } from "../topics/directory.ts";
import { partitionsFor } from "./assignment.ts";

/** What is read of a topic, by the topic's id. */
export type Assignment = Map<string, { readonly topic: KafkaTopic; readonly partitions: readonly number[] }>;

export interface ShareMember {
  readonly id: string;
  readonly clientId: string;
  readonly clientHost: string;
  rackId: string | null;
  epoch: number;
  previousEpoch: number;
  topics: readonly string[];
  assignment: Assignment;
  /** Monotonic time of its last heartbeat, ms. */
  seenAt: number;
  bytes: number;
}

export interface ShareGroupHost {
  readonly clock: Clock;
  readonly timers: Timers;
  sessionTimeoutMsOf(groupId: string): number;
  findTopic(name: string): KafkaTopic | undefined;
  /** It has not been heard of for its session timeout. */
  memberTimedOut(group: ShareGroup, member: ShareMember): void;
  groupEmptied(group: ShareGroup): void;
}

const unitsOfTopic = 0.5;
const unitsOfPartition = 0.02;

export class ShareGroup {
  readonly id: string;
  readonly #host: ShareGroupHost;
  readonly members = new Map<string, ShareMember>();
  /** Member ids by topic. */
  readonly #subscribers = new Map<string, string[]>();
  epoch = 0;
  #timer: Timer | null = null;

  constructor(id: string, host: ShareGroupHost) {
    this.id = id;
    this.#host = host;
  }

  /** The new member's epoch is still to come. */
  add(member: Pick<ShareMember, "id" | "clientId" | "clientHost" | "rackId">): ShareMember {
    const seenAt = this.#host.clock.monotonic();
    const joined: ShareMember = {
      ...member,
      epoch: 0,
      previousEpoch: 0,
      topics: [],
      assignment: new Map(),
      seenAt,
      bytes: 0,
    };
    this.members.set(member.id, joined);
    this.epoch++;
    this.#watch();
    return joined;
  }

  /** `topics`: each once. */
  *subscribe(member: ShareMember, topics: readonly string[]): Job<void> {
    const piece = new Piece();
    const before = new Set(member.topics);
    const after = new Set(topics);
    let isChanged = false;
    for (const topic of before) {
      if (after.has(topic)) continue;
      this.#unsubscribe(topic, member.id);
      isChanged = true;
    }
    member.topics = topics;
    for (const topic of after) {
      if (before.has(topic)) continue;
      isChanged = true;
      let ids = this.#subscribers.get(topic);
      if (ids === undefined) this.#subscribers.set(topic, (ids = []));
      const at = placeOf(ids, member.id);
      if (ids[at] !== member.id) ids.splice(at, 0, member.id);
      const due = piece.add(unitsOfTopic);
      if (due > 0) yield due;
      if (this.members.get(member.id) !== member || member.topics !== topics) {
        this.#takeBack(member);
        return;
      }
    }
    if (isChanged) this.epoch++;
  }

  /** It left, or subscribed to other topics, in the middle of a subscription. */
  #takeBack(member: ShareMember): void {
    const wanted = new Set(this.members.get(member.id)?.topics);
    for (const topic of this.#subscribers.keys()) if (!wanted.has(topic)) this.#unsubscribe(topic, member.id);
  }

  #unsubscribe(topic: string, memberId: string): void {
    const ids = this.#subscribers.get(topic);
    if (ids === undefined) return;
    const at = placeOf(ids, memberId);
    if (ids[at] === memberId) ids.splice(at, 1);
    if (ids.length === 0) this.#subscribers.delete(topic);
  }

  /** What the member is to read now, by those that are in the group and the topics that are there. True: it was something else. */
  *assign(member: ShareMember): Job<boolean> {
    const piece = new Piece();
    const assignment: Assignment = new Map();
    let left = limits.kafkaFetchPartitionsMax;
    for (const name of member.topics) {
      const topic = this.#host.findTopic(name);
      const ids = this.#subscribers.get(name) ?? [];
      const rank = placeOf(ids, member.id);
      if (topic !== undefined && ids[rank] === member.id) {
        const partitions = partitionsFor(rank, ids.length, topic.streamCount);
        left -= partitions.length;
        if (partitions.length > 0 && left >= 0) assignment.set(topic.id, { topic, partitions });
      }
      const due = piece.add(unitsOfTopic + unitsOfPartition * (topic?.partitionCount ?? 0));
      if (due > 0) yield due;
    }
    if (isSame(member.assignment, assignment)) return false;
    member.assignment = assignment;
    return true;
  }

  /** The member has what it is to have as of now. */
  caughtUp(member: ShareMember, isChanged: boolean): void {
    // Topics may have come, grown or gone, which no member has told.
    if (isChanged && member.epoch === this.epoch) this.epoch++;
    if (member.epoch !== this.epoch) member.previousEpoch = member.epoch;
    member.epoch = this.epoch;
    if (assertsAreOn) assertInvariant(member.previousEpoch <= member.epoch, "a member's epochs grow");
  }

  remove(member: ShareMember): void {
    this.members.delete(member.id);
    for (const topic of member.topics) this.#unsubscribe(topic, member.id);
    this.epoch++;
    if (this.members.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#host.groupEmptied(this);
  }

  /** One timer for the member that has been silent for longest. */
  #watch(): void {
    if (this.#timer !== null || this.members.size === 0) return;
    const timeoutMs = this.#host.sessionTimeoutMsOf(this.id);
    let oldest = Infinity;
    for (const { seenAt } of this.members.values()) oldest = Math.min(oldest, seenAt);
    const delayMs = Math.max(Math.ceil(oldest + timeoutMs - this.#host.clock.monotonic()), 1);
    this.#timer = this.#host.timers.after(delayMs, () => {
      this.#timer = null;
      const heardBefore = this.#host.clock.monotonic() - this.#host.sessionTimeoutMsOf(this.id);
      for (const member of this.members.values()) {
        if (member.seenAt > heardBefore) continue;
        this.remove(member);
        this.#host.memberTimedOut(this, member);
      }
      this.#watch();
    });
  }
}

/** Where the id is, or would be. */
function placeOf(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSame(a: Assignment, b: Assignment): boolean {
  if (a.size !== b.size) return false;
  for (const [id, { partitions }] of a) {
    const other = b.get(id)?.partitions;
    if (other === undefined || other.length !== partitions.length) return false;
    if (partitions.some((partition, i) => partition !== other[i])) return false;
  }
  return true;
}
