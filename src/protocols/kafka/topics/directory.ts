/**
 * What Kafka clients see as topics: declared topics, each queue and stream, and each exchange.
 *
 * An exchange is a topic with one partition that only takes records, since nothing is kept in it. Exchanges are found
 * by name but not listed. Topic ids are derived from what is durable: the cluster and the first partition's log, so
 * that a topic made again under its old name has another id.
 * Invariant: an id that was given out is found again as long as its topic lives; what is remembered of a topic goes with
 * its log, of exchanges that are gone there is at most as much as of those that are there, and a little.
 */
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import { isTaken } from "../../../broker/queue/name-rules.ts";
import { isRetryTopic } from "../../../broker/retry/returned-records.ts";
import { Queue } from "../../../broker/queue/queue.ts";
import type { Topic } from "../../../broker/queue/topics.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { fromBrokerName, nameFault, toBrokerName } from "../core/names.ts";

const idKinds = { log: 1, exchange: 2 } as const;
/** Where an id's number begins: behind the cluster's 16 digits and the kind's 8. */
const numberAt = 24;
/** Exchanges that are gone are looked for once there may be more of them. */
const goneExchangesLeast = 64;
const configsNone: Readonly<Record<string, string>> = {};

export class KafkaTopic {
  /** As Kafka clients write it. */
  readonly name: string;
  readonly topic: Topic | null;
  readonly exchange: Exchange | null;
  /** A group gives records up by producing them to it. */
  readonly isRetry: boolean;
  readonly #makeId: () => string;
  #id: string | null = null;

  constructor(name: string, topic: Topic | null, exchange: Exchange | null, makeId: () => string) {
    this.name = name;
    this.topic = topic;
    this.exchange = exchange;
    this.isRetry = topic !== null && isRetryTopic(name);
    this.#makeId = makeId;
  }

  /** 32 hexadecimal digits; made when first asked for. */
  get id(): string {
    return (this.#id ??= this.#makeId());
  }

  get partitionCount(): number {
    return this.topic === null ? 1 : this.topic.partitions.length;
  }

  /** How many partitions groups of the broker's can be in: neither an exchange nor a queue of AMQP's has such groups. */
  get streamCount(): number {
    return this.topic?.partitions[0]!.kind === "stream" ? this.partitionCount : 0;
  }

  get configs(): Readonly<Record<string, string>> {
    return this.topic?.configs ?? configsNone;
  }

  /** The partition's log; undefined where there is none, which an exchange never has. */
  queue(partition: number): Queue | undefined {
    const queue = this.topic?.partitions[partition];
    if (queue !== undefined) {
      const { broker, name: vhost } = queue.vhost;
      broker.lookedAtName(vhost, queue.name);
      broker.storage.unwritten.lookedAt(queue.log);
    }
    return queue;
  }

  hasPartition(partition: number): boolean {
    return partition >= 0 && partition < this.partitionCount;
  }
}

export class TopicDirectory {
  readonly #vhost: Vhost;
  readonly #idPrefix: string;
  /** Broker names by topic id, of those that were given out. */
  readonly #nameById = new Map<string, string>();
  /** A change of a topic's settings makes another `Topic`; one of its partitions does not alter what is kept here. */
  readonly #seen = new WeakMap<Topic, KafkaTopic>();
  readonly #exchangeNumbers = new Map<string, number>();
  #lastExchangeNumber = 0;

  constructor(vhost: Vhost, clusterId: string) {
    this.#vhost = vhost;
    this.#idPrefix = Buffer.from(clusterId, "base64url").toString("hex", 0, 8);
    vhost.queueListeners.add(this);
  }

  queueMade(): void {}

  /** A topic of several partitions outlives one of them, and so does its id. */
  queueDeleted(queue: Queue): void {
    const topic = this.#vhost.topics.topicOf(queue);
    if (topic === undefined || topic.partitions.length === 1)
      this.#nameById.delete(this.#idOf(idKinds.log, queue.log.id));
  }

  find(name: string): KafkaTopic | undefined {
    return this.#find(toBrokerName(name));
  }

  #find(brokerName: string): KafkaTopic | undefined {
    const { broker, name: vhost } = this.#vhost;
    broker.lookedAtName(vhost, brokerName);
    const topic = this.#vhost.topics.find(brokerName);
    if (topic !== undefined) return this.#ofTopic(topic);
    const exchange = brokerName === "" ? undefined : this.#vhost.exchanges.get(brokerName);
    if (exchange === undefined || exchange.internal) return undefined;
    return new KafkaTopic(fromBrokerName(brokerName), null, exchange, () => this.#exchangeId(brokerName));
  }

  /** Also by an id from before the last restart: it says which log is the first partition's. */
  findById(id: string): KafkaTopic | undefined {
    if (!id.startsWith(this.#idPrefix)) return undefined;
    const name = this.#nameById.get(id) ?? this.#nameBeforeRestart(id);
    const found = name === undefined ? undefined : this.#find(name);
    if (found?.id === id) return found;
    this.#nameById.delete(id);
    return undefined;
  }

  #nameBeforeRestart(id: string): string | undefined {
    const vhost = this.#vhost;
    const owner = vhost.broker.storage.logs.get(parseInt(id.slice(numberAt), 16))?.owner;
    if (!(owner instanceof Queue) || owner.vhost !== vhost) return undefined;
    return (vhost.topics.topicOf(owner) ?? owner).name;
  }

  /** Topics made so far: grows by one with each that is made. */
  madeCount = 0;

  *all(): Generator<KafkaTopic> {
    for (const topic of this.#vhost.topics.all()) yield this.#ofTopic(topic);
  }

  #ofTopic(topic: Topic): KafkaTopic {
    let seen = this.#seen.get(topic);
    if (seen === undefined) {
      const { name } = topic;
      const makeId = (): string => this.#id(idKinds.log, topic.partitions[0]!.log.id, name);
      this.#seen.set(topic, (seen = new KafkaTopic(fromBrokerName(name), topic, null, makeId)));
    }
    return seen;
  }

  #exchangeId(brokerName: string): string {
    let number = this.#exchangeNumbers.get(brokerName);
    if (number === undefined) {
      this.#forgetGoneExchanges();
      number = ++this.#lastExchangeNumber;
      this.#exchangeNumbers.set(brokerName, number);
    }
    return this.#id(idKinds.exchange, number, brokerName);
  }

  #forgetGoneExchanges(): void {
    const { exchanges } = this.#vhost;
    if (this.#exchangeNumbers.size < 2 * exchanges.size + goneExchangesLeast) return;
    for (const [name, number] of this.#exchangeNumbers) {
      if (exchanges.has(name)) continue;
      this.#exchangeNumbers.delete(name);
      this.#nameById.delete(this.#idOf(idKinds.exchange, number));
    }
  }

  #id(kind: number, number: number, brokerName: string): string {
    const id = this.#idOf(kind, number);
    this.#nameById.set(id, brokerName);
    return id;
  }

  #idOf(kind: number, number: number): string {
    return this.#idPrefix + hex(kind) + hex(number);
  }

  /** The topic of that name, made with one partition if there is none; undefined when the name is not allowed. */
  findOrCreate(name: string): KafkaTopic | undefined {
    const found = this.find(name);
    if (found !== undefined) return found;
    // A queue of one connection, or a Redis string: it holds its name, and no Kafka client can do anything with it.
    if (nameFault(name) !== null || isTaken(this.#vhost, name)) return undefined;
    return this.create(name, 1, {});
  }

  create(name: string, partitions: number, configs: Readonly<Record<string, string>>): KafkaTopic {
    const topic = this.#vhost.topics.create(name, partitions, configs);
    this.madeCount++;
    return this.#ofTopic(topic);
  }
}

function hex(number: number): string {
  return number.toString(16).padStart(8, "0");
}
