/**
 * A member of a Kafka consumer group, as a client library has it: it joins, leads if it must, starts where the group is, fetches,
 * commits, and beats; and it leaves, is cut off, hangs beyond its session, and commits for a generation that is over.
 */
import { recordsOf } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { Fault, type HistoryModel } from "../model.ts";
import { byTopic, type ConsumerGroupModel, type Generation } from "../models/consumer-group.ts";
import type { Actor, World } from "../world.ts";

const versions = { join: 7, sync: 5, heartbeat: 4, leave: 4, commit: 8, offsets: 7, fetch: 11 } as const;
const errors = {
  outOfRange: 1,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalancing: 27,
  memberIdRequired: 79,
} as const;
/** Time goes quickly when nothing else is to do: a request takes seconds. */
const sessionMs = 12_000;
const rebalanceMs = 6000;
const hangMsMax = 2 * sessionMs;
/** Of what a member does, this share is what it also does when the faults are over. */
const drainShare = 0.8;
const fetchBytes = 20_000;

/** A part in a generation, from SyncGroup on. */
interface Part {
  readonly generation: Generation;
  readonly topics: readonly HistoryModel[];
  /** Where to fetch next, by topic; empty until OffsetFetch was answered. */
  readonly next: Map<string, number>;
}

export class GroupMemberActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly model: ConsumerGroupModel;
  #client: KafkaClient | null = null;
  #memberId = "";
  #part: Part | null = null;
  #isWaiting = false;
  #hangsUntil = 0;
  #isStopped = false;

  constructor(world: World, name: string, model: ConsumerGroupModel) {
    this.#world = world;
    this.name = name;
    this.model = model;
  }

  /** It goes on until it is stopped. */
  get isIdle(): boolean {
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#client?.cut();
  }

  act(): void {
    const { time, isDraining } = this.#world;
    if (this.#isStopped || (!isDraining && time.monotonic() < this.#hangsUntil)) return;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#isWaiting) return;
    if (this.#part === null) this.#join();
    else if (this.#part.next.size < this.#part.topics.length) this.#findPositions(this.#part);
    else this.#work(this.#part);
  }

  #work(part: Part): void {
    const { random, time, isDraining } = this.#world;
    const choice = isDraining ? random.next() * drainShare : random.next();
    if (choice < 0.2 || (choice < drainShare && part.topics.length === 0)) this.#beat(part);
    else if (choice < 0.6) this.#fetch(part, random.pick(part.topics).topic);
    else if (choice < drainShare) this.#commit(part);
    else if (choice < 0.94) this.#commitStale(part);
    else if (choice < 0.96) this.#leave();
    else if (choice < 0.98) this.#hangsUntil = time.monotonic() + random.below(hangMsMax);
    else {
      this.#world.count("group members cut off");
      this.#client!.cut();
    }
  }

  #connect(): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    this.#client = new KafkaClient(link);
    this.#world.note(`${this.name} connects`);
    this.#isWaiting = false;
    this.#part = null;
    if (this.#world.random.chance(0.5)) this.#memberId = "";
  }

  /** What an error tells a member to do; others pass. */
  #refused(code: number): void {
    this.#world.note(`${this.name} is refused: ${code}`);
    if (code === errors.unknownMember) this.#memberId = "";
    if (code === errors.unknownMember || code === errors.illegalGeneration || code === errors.rebalancing)
      this.#part = null;
  }

  #join(): void {
    const askedAt = this.#world.promises.number();
    this.#isWaiting = true;
    this.#client!.request(
      "JoinGroup",
      versions.join,
      {
        groupId: this.model.name,
        sessionTimeoutMs: sessionMs,
        rebalanceTimeoutMs: rebalanceMs,
        memberId: this.#memberId,
        protocolType: "consumer",
        protocols: [{ name: "any", metadata: Buffer.from("all") }],
      },
      (body) => {
        this.#isWaiting = false;
        if (body === null) return;
        if (body.errorCode === errors.memberIdRequired) {
          this.#memberId = body.memberId;
          return this.#join();
        }
        if (body.errorCode !== 0) return this.#refused(body.errorCode);
        this.#memberId = body.memberId;
        this.#world.count("joins to a consumer group");
        this.#world.note(`${this.name} joins generation ${body.generationId}`);
        const members = body.members.map(({ memberId }) => memberId);
        const { generationId: number, leader } = body;
        this.#sync(this.model.joined({ number, leader, askedAt }, body.memberId, members));
      },
    );
  }

  #sync(generation: Generation): void {
    const { random, promises } = this.#world;
    const memberId = this.#memberId;
    const plan =
      generation.leader === memberId ? this.model.plan(generation, random) : new Map<string, string[]>();
    const askedAt = promises.number();
    this.#isWaiting = true;
    this.#client!.request(
      "SyncGroup",
      versions.sync,
      {
        groupId: this.model.name,
        generationId: generation.number,
        memberId,
        protocolType: "consumer",
        protocolName: "any",
        assignments: [...plan].map(([member, topics]) => ({
          memberId: member,
          assignment: Buffer.from(topics.join()),
        })),
      },
      (body) => {
        this.#isWaiting = false;
        if (body === null) return;
        if (body.errorCode !== 0) return this.#refused(body.errorCode);
        this.model.taken("SyncGroup", generation, askedAt);
        const names = body.assignment.toString().split(",").filter(Boolean);
        this.model.synced(generation, memberId, names);
        const topics = this.model.topics.filter(({ name }) => names.includes(name));
        this.#part = { generation, topics, next: new Map() };
        if (topics.length > 0) this.#findPositions(this.#part);
      },
    );
  }

  #findPositions(part: Part): void {
    const askedAt = this.#world.promises.number();
    this.#isWaiting = true;
    const topics = byTopic(part.topics).map(([name, logs]) => ({
      name,
      partitionIndexes: logs.map(({ partition }) => partition),
    }));
    this.#client!.request("OffsetFetch", versions.offsets, { groupId: this.model.name, topics }, (body) => {
      this.#isWaiting = false;
      if (body === null || body.errorCode !== 0) return;
      for (const { name: topic, partitions } of body.topics)
        for (const { partitionIndex, committedOffset, errorCode } of partitions) {
          if (errorCode !== 0) continue;
          const { name } = this.model.logOf(topic, partitionIndex);
          this.model.found(name, committedOffset, askedAt);
          part.next.set(name, Math.max(committedOffset, 0));
        }
    });
  }

  #claimOf(generation: Generation) {
    return { groupId: this.model.name, generationId: generation.number, memberId: this.#memberId };
  }

  #beat({ generation }: Part): void {
    const askedAt = this.#world.promises.number();
    this.#isWaiting = true;
    this.#client!.request("Heartbeat", versions.heartbeat, this.#claimOf(generation), (body) => {
      this.#isWaiting = false;
      if (body === null) return;
      if (body.errorCode === 0) this.model.taken("Heartbeat", generation, askedAt);
      else this.#refused(body.errorCode);
    });
  }

  /** Of all its partitions of that topic. */
  #fetch(part: Part, topic: string): void {
    const partitions = part.topics
      .filter((log) => log.topic === topic)
      .map(({ name, partition }) => ({
        partition,
        fetchOffset: part.next.get(name)!,
        partitionMaxBytes: fetchBytes,
      }));
    const topics = [{ topic, partitions }];
    const asked = { maxWaitMs: 0, minBytes: 0, maxBytes: fetchBytes, topics };
    this.#isWaiting = true;
    this.#client!.request("Fetch", versions.fetch, asked, (body) => {
      this.#isWaiting = false;
      for (const { partitionIndex, errorCode, records } of body?.responses[0]?.partitions ?? []) {
        const log = this.model.logOf(topic, partitionIndex);
        // The records before are deleted.
        if (errorCode === errors.outOfRange) part.next.set(log.name, part.next.get(log.name)! + 1);
        if (errorCode === 0 && Buffer.isBuffer(records)) this.#take(part, log, records);
      }
      if (body !== null && this.#world.random.chance(0.5)) this.#commit(part);
    });
  }

  #take(part: Part, log: HistoryModel, records: Buffer): void {
    const from = part.next.get(log.name)!;
    for (const [offset, record] of recordsOf(records)) {
      if (offset < from) continue;
      this.#world.count("records that a consumer group got");
      this.model.consumed(log, record);
      part.next.set(log.name, offset + 1);
    }
  }

  #commit({ generation, topics, next }: Part): void {
    const { promises, acksAllLevel } = this.#world;
    const offsets = topics.map(({ name }) => [name, next.get(name)!] as const);
    for (const [name, offset] of offsets) this.model.committing(name, offset);
    const askedAt = promises.number();
    this.#requestCommit(generation, generation.number, offsets, (code) => {
      if (code !== 0) return this.#refused(code);
      this.#world.count("positions committed");
      this.#world.note(`${this.name} commits ${offsets.join(" ")}`);
      this.model.taken("OffsetCommit", generation, askedAt);
      for (const [name, offset] of offsets) this.model.committed(name, offset, acksAllLevel);
      if (acksAllLevel === "durable") promises.durable(askedAt);
    });
  }

  /** For another generation than it is in, back to the start: this must be refused. */
  #commitStale({ generation, topics }: Part): void {
    const offsets = topics.map(({ name }) => [name, 0] as const);
    if (topics.length === 0) return;
    this.#requestCommit(generation, generation.number - 1, offsets, (code) => {
      if (code === 0)
        throw new Fault(`${this.name}: a commit for generation ${generation.number - 1} was taken`);
      this.#world.count("stale commits refused");
      if (code !== errors.illegalGeneration) this.#refused(code);
    });
  }

  #requestCommit(
    generation: Generation,
    number: number,
    offsets: readonly (readonly [string, number])[],
    onCode: (code: number) => void,
  ): void {
    const { groupId, memberId } = this.#claimOf(generation);
    this.#isWaiting = true;
    const committed = new Map(offsets);
    const topics = byTopic(this.model.topics.filter(({ name }) => committed.has(name))).map(
      ([name, logs]) => ({
        name,
        partitions: logs.map((log) => ({
          partitionIndex: log.partition,
          committedOffset: committed.get(log.name)!,
        })),
      }),
    );
    const request = { groupId, memberId, generationIdOrMemberEpoch: number, topics };
    this.#client!.request("OffsetCommit", versions.commit, request, (body) => {
      this.#isWaiting = false;
      const codes = body?.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
      if (codes !== undefined && codes.length > 0) onCode(codes.find((code) => code !== 0) ?? 0);
    });
  }

  #leave(): void {
    const members = [{ memberId: this.#memberId, groupInstanceId: null }];
    this.#isWaiting = true;
    this.#part = null;
    this.#client!.request("LeaveGroup", versions.leave, { groupId: this.model.name, members }, (body) => {
      this.#isWaiting = false;
      if (body === null) return;
      this.#world.count("group members left");
      this.#memberId = "";
    });
  }
}
