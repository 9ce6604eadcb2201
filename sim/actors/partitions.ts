/**
 * A Kafka topic of several partitions: an idempotent producer that sends to some of them in one request and each batch again
 * until it has an answer, and writers by key of the other protocols, whose messages must come to the partition of their key.
 */
import { partitionOf } from "../../src/broker/exchange/routing/murmur2.ts";
import { makeBatch } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { RedisClient } from "../clients/redis-client.ts";
import { Fault, HistoryModel, type Promises } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isRefusedForNow, mayBeLostBefore } from "./producer.ts";
import type { Target } from "./publisher.ts";
import { isTemporary } from "./stream-writer.ts";

export const partitionedTopic = "parts";
export const partitionCount = 3;
const keys = ["a", "key", "other", "some key", "what is longer than others"];
const produceVersion = 9;
const duplicateSequence = 46;
const outOfOrderSequence = 45;
const waitingMax = 6;

/** Its partitions, which the other protocols know by names of their own. */
export function partitionsOf(topic: string, promises: Promises): HistoryModel[] {
  const sentToTopic = new Set<string>();
  return Array.from({ length: partitionCount }, (_, partition) => {
    return new HistoryModel(`${topic}-${partition}`, promises, { topic, partition, sentToTopic });
  });
}

/** What AMQP publishes to the topic's exchange under a key. */
export function targetsOf(partitions: readonly HistoryModel[]): Target[] {
  return keys.map((name) => {
    const partition = partitionFor(name, partitions);
    return {
      exchange: partition.topic,
      name,
      sent: (body) => partition.sent(body),
      told: (body, level) => partition.told(body, level),
    };
  });
}

function partitionFor(key: string, partitions: readonly HistoryModel[]): HistoryModel {
  return partitions[partitionOf(Buffer.from(key), partitions.length)]!;
}

interface Batch {
  readonly bodies: readonly string[];
  readonly firstSequence: number;
}

/** Of one partition. */
class Line {
  readonly log: HistoryModel;
  nextSequence = 0;
  /** Sent and not answered. */
  batch: Batch | null = null;

  constructor(log: HistoryModel) {
    this.log = log;
  }
}

export class PartitionedProducerActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #partitions: readonly HistoryModel[];
  #lines: readonly Line[] = [];
  #client: KafkaClient | null = null;
  #producer = "";
  #id: { id: number; epoch: number } | null = null;
  #isWaiting = false;

  constructor(world: World, name: string, partitions: readonly HistoryModel[]) {
    this.#world = world;
    this.name = name;
    this.#partitions = partitions;
  }

  get isIdle(): boolean {
    // Damage may have taken a partition for good.
    return !this.#isWaiting && (this.#world.isDamaged || this.#lines.every(({ batch }) => batch === null));
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#isWaiting || (this.#world.isDraining && this.isIdle)) return;
    if (this.#id === null) this.#initialise(client);
    else this.#produce(client, this.#id);
  }

  #connect(): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    this.#client = new KafkaClient(link);
    this.#isWaiting = false;
    if (this.#producer === "") this.#startAgain();
  }

  #startAgain(): void {
    this.#producer = this.#world.newProducer();
    this.#id = null;
    this.#lines = this.#partitions.map((log) => new Line(log));
  }

  #initialise(client: KafkaClient): void {
    this.#isWaiting = true;
    client.request("InitProducerId", 4, { transactionalId: null, transactionTimeoutMs: 60_000 }, (body) => {
      this.#isWaiting = false;
      if (body?.errorCode === 0) this.#id = { id: body.producerId, epoch: body.producerEpoch };
    });
  }

  #produce(client: KafkaClient, { id, epoch }: { id: number; epoch: number }): void {
    const { random, promises, time, isDraining } = this.#world;
    if (!isDraining) {
      const first = random.below(this.#lines.length);
      this.#lines.forEach((line, i) => {
        if (line.batch === null && (i === first || random.chance(0.4))) this.#fill(line);
      });
    }
    const lines = this.#lines.filter(({ batch }) => batch !== null);
    const partitionData = lines.map(({ log, batch }) => {
      const head = { timestamp: time.now(), producerId: id, producerEpoch: epoch };
      const { bodies: values, firstSequence: baseSequence } = batch!;
      return { index: log.partition, records: makeBatch({ ...head, values, baseSequence }) };
    });
    const sent = promises.number();
    const topicData = [{ name: partitionedTopic, partitionData }];
    this.#isWaiting = true;
    client.request("Produce", produceVersion, { acks: -1, timeoutMs: 10_000, topicData }, (body) => {
      this.#isWaiting = false;
      const answers = body?.responses[0]?.partitionResponses ?? [];
      for (const { index, errorCode } of answers) {
        const line = lines.find(({ log }) => log.partition === index);
        if (line === undefined) throw new Fault(`${this.name}: nothing was sent to partition ${index}`);
        this.#answered(line, errorCode, sent);
      }
    });
  }

  #fill(line: Line): void {
    const firstSequence = line.nextSequence;
    const count = this.#world.random.between(1, 5);
    line.nextSequence += count;
    const bodies = Array.from({ length: count }, (_, i) => {
      return `${this.#producer}.${line.log.partition}/${firstSequence + i}`;
    });
    for (const body of bodies) line.log.sent(body);
    line.batch = { bodies, firstSequence };
  }

  #answered(line: Line, errorCode: number, sent: number): void {
    const { acksAllLevel, promises } = this.#world;
    const { bodies } = line.batch!;
    if (errorCode === outOfOrderSequence && mayBeLostBefore(this.#world)) return this.#startAgain();
    if (errorCode !== 0 && errorCode !== duplicateSequence) {
      if (!isRefusedForNow(this.#world, errorCode))
        throw new Fault(`${this.name}: producing ${bodies[0]} answered ${errorCode}`);
      return;
    }
    line.batch = null;
    this.#world.count("batches produced to partitions");
    for (const body of bodies) line.log.told(body, acksAllLevel);
    if (acksAllLevel === "durable") promises.durable(sent);
  }
}

/** Redis: XADD to the topic's name, with a key. */
export class KeyedWriterActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #partitions: readonly HistoryModel[];
  #client: RedisClient | null = null;
  #producer = "";
  #sequence = 0;

  constructor(world: World, name: string, partitions: readonly HistoryModel[]) {
    this.#world = world;
    this.name = name;
    this.#partitions = partitions;
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) this.#connect();
    else if (!this.#world.isDraining && client.waiting < waitingMax) this.#add(client);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#producer = this.#world.newProducer();
    this.#sequence = 0;
    this.#client = new RedisClient(link);
  }

  #add(client: RedisClient): void {
    const { random, promises, redisStreamsLevel } = this.#world;
    const key = random.pick(keys);
    const log = partitionFor(key, this.#partitions);
    const body = `${this.#producer}/${this.#sequence++}`;
    const sent = promises.number();
    log.sent(body);
    client.call(["XADD", partitionedTopic, "*", "key", key, "body", body], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (typeof reply !== "string") throw new Fault(`${this.name}: XADD answered ${String(reply)}`);
      this.#world.count("entries added by key");
      log.told(body, redisStreamsLevel);
      if (redisStreamsLevel === "durable") promises.durable(sent);
    });
  }
}
