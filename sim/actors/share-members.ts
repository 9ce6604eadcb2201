/**
 * Members of a Kafka share group on one topic: they acquire records, accept, release and reject them, hold some too long, end their sessions
 * and are cut off.
 */
import { KafkaClient } from "../clients/kafka-client.ts";
import { makeBatch, recordsOf } from "../clients/kafka-batch.ts";
import { type Crash, Fault } from "../model.ts";
import { deliveriesMax, lockMs, SharedRecords } from "../models/shared-records.ts";
import type { Actor, World } from "../world.ts";

const versions = {
  create: 5,
  alter: 1,
  produce: 9,
  heartbeat: 1,
  fetch: 2,
  acknowledge: 2,
  offsets: 1,
} as const;
const errors = { invalidRecordState: 121, sessionNotFound: 122, topicExists: 36 } as const;
const outcomes = { accept: 1, release: 2, reject: 3 } as const;
const groupResource = 32;
const stepMs = lockMs / 4;
/** A request whose answer is awaited for so long is not: what it does is looked at by its effects. */
const waitMs = 200;

interface Member {
  readonly id: string;
  client: KafkaClient | null;
  isSetUp: boolean;
  topicId: string;
  sessionEpoch: number;
  /** By body: the offset of what it has, as far as it knows. */
  readonly held: Map<string, number>;
}

export class ShareMembersActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #members: readonly Member[];
  readonly #model: SharedRecords;
  readonly #topic: string;
  #number = 0;
  /** Fetches whose answers are to come, or are lost and nobody knows it yet. */
  #asked = 0;
  /** Topic and group are there as they are to be. */
  #isMade = false;
  #isChecked = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#members = ["one", "two"].map((id) => ({
      id,
      client: null,
      isSetUp: false,
      topicId: "",
      sessionEpoch: 0,
      held: new Map(),
    }));
    this.#topic = name;
    this.#model = new SharedRecords(name, world.promises, world.acksAllLevel);
    world.crashListeners.push((crash: Crash) => {
      if (crash === "power") this.#model.powerFailed();
    });
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  act(): void {
    const { random, isDraining } = this.#world;
    this.#model.isDamaged = this.#world.isDamaged;
    const member = random.pick(this.#members);
    const { client } = member;
    if (client === null || client.isLost) return this.#connect(member);
    if (client.waiting > 0) return;
    if (!member.isSetUp) return this.#setUp(member, client);
    if (isDraining) return this.#finish(member, client);
    const choice = random.next();
    if (choice < 0.02) client.cut();
    else if (choice < 0.04) this.#endSession(member, client);
    else if (choice < 0.2) this.#produce(client);
    else if (choice < 0.3) this.#heartbeat(member, client);
    else if (choice < 0.6 || member.held.size === 0) this.#fetch(member, client);
    else this.#acknowledge(member, client);
  }

  #connect(member: Member): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    member.client = new KafkaClient(link);
    member.isSetUp = false;
    member.sessionEpoch = 0;
    member.held.clear();
  }

  #setUp(member: Member, client: KafkaClient): void {
    if (this.#isMade) return this.#heartbeat(member, client);
    const topic = { name: this.#topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const request = { topics: [topic], timeoutMs: waitMs, validateOnly: false };
    client.request("CreateTopics", versions.create, request, (body) => {
      const code = body?.topics[0]?.errorCode ?? -1;
      if (code === 0 || code === errors.topicExists) this.#configure(member, client);
    });
  }

  #configure(member: Member, client: KafkaClient): void {
    const settings = {
      "share.auto.offset.reset": "earliest",
      "share.delivery.count.limit": String(deliveriesMax),
      "share.record.lock.duration.ms": String(lockMs),
    };
    const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: 0, value }));
    const resources = [{ resourceType: groupResource, resourceName: this.#topic, configs }];
    client.request("IncrementalAlterConfigs", versions.alter, { resources, validateOnly: false }, (body) => {
      if (body?.responses[0]?.errorCode !== 0) return;
      this.#isMade = true;
      this.#heartbeat(member, client);
    });
  }

  #heartbeat(member: Member, client: KafkaClient): void {
    const request = {
      groupId: this.#topic,
      memberId: member.id,
      memberEpoch: 0,
      subscribedTopicNames: [this.#topic],
    };
    client.request("ShareGroupHeartbeat", versions.heartbeat, request, (body) => {
      const assigned = body?.assignment?.topicPartitions[0];
      if (assigned === undefined) return;
      member.topicId = assigned.topicId;
      member.isSetUp = true;
    });
  }

  #produce(client: KafkaClient): void {
    const bodies = Array.from(
      { length: this.#world.random.between(1, 3) },
      () => `${this.#topic}/${this.#number++}`,
    );
    const { time, promises, acksAllLevel } = this.#world;
    for (const body of bodies) this.#model.sent(body, time.monotonic());
    const sent = promises.number();
    const timestamp = time.now();
    const records = makeBatch({
      values: bodies,
      timestamp,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
    });
    const topicData = [{ name: this.#topic, partitionData: [{ index: 0, records }] }];
    const request = { transactionalId: null, acks: -1, timeoutMs: waitMs, topicData };
    client.request("Produce", versions.produce, request, (body) => {
      if (body?.responses[0]?.partitionResponses[0]?.errorCode !== 0) return;
      for (const each of bodies) this.#model.told(each);
      if (acksAllLevel === "durable") promises.durable(sent);
    });
  }

  #fetch(member: Member, client: KafkaClient, onFetched: (count: number) => void = () => {}): void {
    const { random, time } = this.#world;
    const isFirst = member.sessionEpoch === 0;
    const askedAt = time.monotonic();
    const request = {
      groupId: this.#topic,
      memberId: member.id,
      shareSessionEpoch: member.sessionEpoch++,
      maxWaitMs: random.chance(0.5) ? waitMs : 0,
      minBytes: 1,
      maxBytes: 10_000,
      maxRecords: random.between(1, 4),
      batchSize: 1,
      shareAcquireMode: random.below(2),
      topics: isFirst
        ? [{ topicId: member.topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }]
        : [],
      forgottenTopicsData: [],
    };
    this.#asked++;
    client.request("ShareFetch", versions.fetch, request, (body) => {
      this.#asked--;
      if (body === null) return this.#model.answerLost(time.monotonic());
      if (body.errorCode !== 0) {
        member.sessionEpoch = 0;
        member.held.clear();
        return;
      }
      let count = 0;
      for (const { records, acquiredRecords } of body.responses[0]?.partitions ?? []) {
        const bodies = new Map(recordsOf(records ?? Buffer.alloc(0)));
        for (const { firstOffset, lastOffset, deliveryCount } of acquiredRecords) {
          for (let offset = firstOffset; offset <= lastOffset; offset++) {
            const text = bodies.get(offset);
            if (text === undefined)
              throw new Fault(`${this.name}: record ${offset} was acquired and did not come`);
            this.#world.count("records that a share group acquired");
            this.#world.note(`${this.name} ${member.id} acquires ${text}, delivery ${deliveryCount}`);
            this.#model.acquired(text, client, deliveryCount, {
              askedAt,
              now: time.monotonic(),
              others: this.#asked,
            });
            member.held.set(text, offset);
            count++;
          }
        }
      }
      onFetched(count);
    });
  }

  #acknowledge(member: Member, client: KafkaClient, onDone: () => void = () => {}): void {
    const { random, time, promises, isDraining } = this.#world;
    const sent = promises.number();
    const [body, offset] = random.pick([...member.held]);
    member.held.delete(body);
    const outcome = isDraining ? outcomes.accept : random.pick(Object.values(outcomes));
    const isSettled = outcome !== outcomes.release;
    const heldUntil = this.#model.heldUntil(body, client);
    this.#model.letGo(body, client, isSettled);
    this.#world.note(`${this.name} ${member.id} says ${outcome} of ${body}`);
    const batch = { firstOffset: offset, lastOffset: offset, acknowledgeTypes: [outcome] };
    const request = {
      groupId: this.#topic,
      memberId: member.id,
      shareSessionEpoch: member.sessionEpoch++,
      topics: [
        { topicId: member.topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [batch] }] },
      ],
    };
    client.request("ShareAcknowledge", versions.acknowledge, request, (answer) => {
      if (answer === null) return;
      const code = answer.errorCode || answer.responses[0]!.partitions[0]!.errorCode;
      if (answer.errorCode !== 0) member.sessionEpoch = 0;
      this.#world.note(`${this.name} ${member.id} hears ${code} of ${body}`);
      const isInTime = time.monotonic() < heldUntil;
      if (code === 0) {
        this.#world.count("records that a share group settled or released");
        if (isSettled) this.#model.settled(body);
        promises.durable(sent);
      } else if (code === errors.invalidRecordState && isInTime && !this.#world.isDamaged)
        throw new Fault(`${this.name}: ${member.id} held ${body}, and may not acknowledge it`);
      onDone();
    });
  }

  /** What it holds is given back. */
  #endSession(member: Member, client: KafkaClient): void {
    if (member.sessionEpoch === 0) return;
    for (const body of member.held.keys()) this.#model.letGo(body, client, false);
    member.held.clear();
    member.sessionEpoch = 0;
    const request = { groupId: this.#topic, memberId: member.id, shareSessionEpoch: -1, topics: [] };
    client.request("ShareAcknowledge", versions.acknowledge, request, () => {});
    this.#world.count("share sessions ended");
  }

  /** Everything is accepted, until nothing is left. */
  #finish(member: Member, client: KafkaClient): void {
    if (member.held.size > 0) return this.#acknowledge(member, client);
    this.#fetch(member, client, (count) => {
      if (count > 0) return;
      const request = {
        groups: [{ groupId: this.#topic, topics: [{ topicName: this.#topic, partitions: [0] }] }],
      };
      client.request("DescribeShareGroupOffsets", versions.offsets, request, (body) => {
        const lag = body?.groups[0]?.topics[0]?.partitions[0]?.lag ?? -1;
        if (lag > 0) this.#world.time.advance(stepMs);
        if (lag !== 0) return;
        this.#model.checkEnd();
        this.#isChecked = true;
      });
    });
  }
}
