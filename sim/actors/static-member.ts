/**
 * One of two Kafka consumers that go by the same name (group.instance.id) in a group of that one member: whoever joins last
 * has it, with what was assigned before, and the other is fenced off, however late it notices.
 */
import { KafkaClient } from "../clients/kafka-client.ts";
import { Fault, type HistoryModel } from "../model.ts";
import type { ConsumerGroupModel } from "../models/consumer-group.ts";
import type { StaticMemberModel } from "../models/static-member.ts";
import type { Actor, World } from "../world.ts";

const versions = { join: 7, sync: 5, heartbeat: 4, commit: 8 } as const;
const sessionMs = 20_000;
const assignment = "all of it";

export class StaticMemberActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #member: StaticMemberModel;
  readonly group: ConsumerGroupModel;
  #client: KafkaClient | null = null;
  /** From SyncGroup on. */
  #part: { memberId: string; generationId: number } | null = null;
  #isWaiting = false;

  constructor(world: World, name: string, member: StaticMemberModel, group: ConsumerGroupModel) {
    this.#world = world;
    this.name = name;
    this.#member = member;
    this.group = group;
  }

  get isIdle(): boolean {
    return !this.#isWaiting;
  }

  get #topic(): HistoryModel {
    return this.group.topics[0]!;
  }

  act(): void {
    const { random, isDraining } = this.#world;
    if (this.#isWaiting || isDraining) return;
    if (this.#client === null || this.#client.isLost) return this.#connect();
    // Without a part it comes back at leisure, or the two would do nothing but take the name from each other.
    if (this.#part === null) {
      if (random.chance(0.3)) this.#join();
    } else if (random.chance(0.5)) this.#commit(this.#part);
    else this.#beat(this.#part);
  }

  #connect(): void {
    const link = this.#world.connect("kafka");
    if (link !== null) this.#client = new KafkaClient(link);
  }

  #join(): void {
    const { promises } = this.#world;
    const askedAt = promises.number();
    const request = {
      groupId: this.group.name,
      sessionTimeoutMs: sessionMs,
      rebalanceTimeoutMs: sessionMs,
      memberId: "",
      groupInstanceId: this.#member.instance,
      protocolType: "consumer",
      protocols: [{ name: "any", metadata: Buffer.from("all") }],
    };
    this.#isWaiting = true;
    this.#client!.request("JoinGroup", versions.join, request, (body) => {
      this.#isWaiting = false;
      if (body === null || body.errorCode !== 0) return;
      const { memberId, generationId, leader } = body;
      this.#member.joined({ memberId, askedAt, toldAt: promises.number() });
      this.#world.count("joins under a name");
      this.#world.note(`${this.name} joins as ${memberId}, led by ${leader}`);
      this.#sync({ memberId, generationId }, leader === memberId);
    });
  }

  #claimOf({ memberId, generationId }: { memberId: string; generationId: number }) {
    return { groupId: this.group.name, memberId, generationId, groupInstanceId: this.#member.instance };
  }

  #sync(part: { memberId: string; generationId: number }, isLeader: boolean): void {
    const { memberId } = part;
    const askedAt = this.#world.promises.number();
    const assignments = isLeader ? [{ memberId, assignment: Buffer.from(assignment) }] : [];
    const request = { ...this.#claimOf(part), protocolType: "consumer", protocolName: "any", assignments };
    this.#isWaiting = true;
    this.#client!.request("SyncGroup", versions.sync, request, (body) => {
      this.#isWaiting = false;
      if (body === null || body.errorCode !== 0) return;
      this.#member.taken("SyncGroup", memberId, askedAt);
      if (body.assignment.toString() !== assignment)
        throw new Fault(`${this.name} got "${body.assignment.toString()}" under its name`);
      this.#part = part;
    });
  }

  #beat(part: { memberId: string; generationId: number }): void {
    const askedAt = this.#world.promises.number();
    this.#isWaiting = true;
    this.#client!.request("Heartbeat", versions.heartbeat, this.#claimOf(part), (body) => {
      this.#isWaiting = false;
      if (body === null) return;
      if (body.errorCode === 0) this.#member.taken("Heartbeat", part.memberId, askedAt);
      else this.#lost();
    });
  }

  #lost(): void {
    this.#part = null;
    this.#world.count("members fenced or forgotten");
  }

  /** Of a position that only this commit names. */
  #commit(part: { memberId: string; generationId: number }): void {
    const { promises, acksAllLevel } = this.#world;
    const { name, topic, partition } = this.#topic;
    const askedAt = promises.number();
    const { generationId: generationIdOrMemberEpoch, ...claim } = this.#claimOf(part);
    if (!this.#member.isFenced(part.memberId, askedAt)) this.group.committing(name, askedAt);
    const partitions = [{ partitionIndex: partition, committedOffset: askedAt }];
    const request = { ...claim, generationIdOrMemberEpoch, topics: [{ name: topic, partitions }] };
    this.#isWaiting = true;
    this.#client!.request("OffsetCommit", versions.commit, request, (body) => {
      this.#isWaiting = false;
      if (body === null) return;
      if (body.topics[0]?.partitions[0]?.errorCode !== 0) return this.#lost();
      this.#member.taken("OffsetCommit", part.memberId, askedAt);
      this.#world.count("positions committed under a name");
      this.group.committed(name, askedAt, acksAllLevel);
      if (acksAllLevel === "durable") promises.durable(askedAt);
    });
  }
}
