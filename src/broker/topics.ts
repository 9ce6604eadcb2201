/**
 * Kafka topics with several partitions. A topic of one partition is just the stream of its name.
 *
 * A topic `t` of n partitions is the streams `t-0` … `t-(n-1)` and the exchange `t` that spreads over them by key.
 * Invariant: partition i of a topic is the queue named by `partitionName`, and is bound to the exchange with key `i`.
 * Another protocol may delete one partition of several: it is made again, empty, so that the others keep their numbers.
 */
import { BrokerError } from "../base/errors.ts";
import { isTaken } from "./name-rules.ts";
import { definitionKey } from "./names.ts";
import { queuePolicy } from "./queue-policy.ts";
import type { Queue } from "./queue.ts";
import type { Vhost } from "./vhost.ts";

export interface Topic {
  readonly name: string;
  readonly partitions: Queue[];
  /** Kafka's topic configuration, as set by the client. */
  readonly configs: Readonly<Record<string, string>>;
  /** Another protocol made its log; only the configuration is Kafka's. */
  readonly isAdopted: boolean;
}

/** For topics that were made as such: seven days, any size. */
const kafkaDefaults = { historyMs: 604_800_000, historyBytes: undefined };

/** A topic in the table. */
export interface TopicDefinition {
  partitions: number;
  configs: Readonly<Record<string, string>>;
  isAdopted: boolean;
}

export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

export class Topics {
  readonly #vhost: Vhost;
  /** Those that were made as topics; see `find` for the others. */
  readonly #declared = new Map<string, Topic>();
  /** Partitions of declared topics. */
  readonly #topicOf = new Map<Queue, Topic>();

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
  }

  /** The topic of that name: declared as one, or any durable queue or stream, which has one partition. */
  find(name: string): Topic | undefined {
    const declared = this.#declared.get(name);
    if (declared !== undefined) return declared;
    const queue = this.#vhost.queues.get(name);
    if (queue === undefined || queue.exclusiveOwner !== 0) return undefined;
    return { name, partitions: [queue], configs: {}, isAdopted: true };
  }

  /** All topics: the declared ones and each queue or stream that is not a partition of one. */
  *all(): Generator<Topic> {
    yield* this.#declared.values();
    for (const queue of this.#vhost.queues.values()) {
      if (queue.exclusiveOwner === 0 && !this.#topicOf.has(queue)) {
        yield { name: queue.name, partitions: [queue], configs: {}, isAdopted: true };
      }
    }
  }

  /** Throws ALREADY_EXISTS when anything has a name that a topic of so many partitions needs. */
  assertFree(name: string, partitions: number): void {
    if (this.find(name) !== undefined || isTaken(this.#vhost, name)) {
      throw new BrokerError("ALREADY_EXISTS", `Topic '${name}' already exists.`);
    }
    if (partitions > 1) this.#assertPartitionsFree(name, 0, partitions);
  }

  #assertPartitionsFree(topic: string, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const name = partitionName(topic, i);
      if (!isTaken(this.#vhost, name)) continue;
      throw new BrokerError(
        "ALREADY_EXISTS",
        `'${name}' already exists and is not a partition of '${topic}'.`,
      );
    }
  }

  /** Makes a topic. Throws ALREADY_EXISTS. */
  create(name: string, partitions: number, configs: Readonly<Record<string, string>>): Topic {
    this.assertFree(name, partitions);
    const topic: Topic = { name, partitions: [], configs, isAdopted: false };
    if (partitions > 1) this.#makeExchange(name);
    this.#declared.set(name, topic);
    this.#addPartitions(topic, partitions);
    this.#save(topic);
    return topic;
  }

  #makeExchange(name: string): void {
    this.#vhost.declareExchange({
      name,
      type: "x-kafka-topic",
      durable: true,
      autoDelete: false,
      internal: false,
      args: {},
    });
  }

  #addPartitions(topic: Topic, count: number): void {
    for (let i = topic.partitions.length; i < count; i++) this.#makePartition(topic, i, count > 1);
  }

  #makePartition(topic: Topic, index: number, isNumbered: boolean): void {
    const vhost = this.#vhost;
    const queue = vhost.declareQueue({
      name: isNumbered ? partitionName(topic.name, index) : topic.name,
      kind: "stream",
      durable: true,
      exclusiveOwner: 0,
      autoDelete: false,
      args: {},
    });
    this.#setPartition(topic, index, queue);
    const exchange = isNumbered ? vhost.exchanges.get(topic.name) : undefined;
    if (exchange !== undefined) vhost.bind(exchange, queue, String(index), {});
  }

  #setPartition(topic: Topic, index: number, queue: Queue): void {
    topic.partitions[index] = queue;
    this.#topicOf.set(queue, topic);
    applyRetention(queue, topic);
  }

  /** Adds partitions. Throws INVALID when a topic of one partition is asked to grow: its log has the topic's own name. */
  grow(topic: Topic, count: number, isOnlyChecked = false): void {
    const current = topic.partitions.length;
    if (count === current) throw new BrokerError("INVALID", `Topic already has ${current} partition(s).`);
    if (count < current) {
      throw new BrokerError(
        "INVALID",
        `The topic ${topic.name} currently has ${current} partition(s); ${count} would not be an increase.`,
      );
    }
    if (current === 1) {
      throw new BrokerError(
        "INVALID",
        `Topic ${topic.name} has one partition, which other protocols see as the stream '${topic.name}'; ` +
          "create a new topic with more partitions instead.",
      );
    }
    this.#assertPartitionsFree(topic.name, current, count);
    if (isOnlyChecked) return;
    this.#addPartitions(topic, count);
    this.#save(topic);
  }

  setConfigs(topic: Topic, configs: Readonly<Record<string, string>>): void {
    const changed: Topic = { ...topic, configs };
    this.#declared.set(topic.name, changed);
    changed.partitions.forEach((queue, index) => this.#setPartition(changed, index, queue));
    this.#save(changed);
  }

  /** The declared topic of which the queue is a partition. */
  topicOf(queue: Queue): Topic | undefined {
    return this.#topicOf.get(queue);
  }

  delete(topic: Topic): void {
    const vhost = this.#vhost;
    this.#declared.delete(topic.name);
    vhost.broker.storage.table.delete(definitionKey("topic", vhost.name, topic.name));
    for (const queue of topic.partitions) {
      this.#topicOf.delete(queue);
      vhost.deleteQueue(queue);
    }
    const exchange = vhost.exchanges.get(topic.name);
    if (exchange?.type === "x-kafka-topic") vhost.deleteExchange(exchange);
    vhost.groupOffsets.deleteTopic(topic.name);
  }

  /** A queue was deleted by another protocol: with its only partition a topic is gone. */
  queueDeleted(queue: Queue): void {
    const vhost = this.#vhost;
    const topic = this.#topicOf.get(queue);
    this.#topicOf.delete(queue);
    if (topic === undefined) {
      // Nobody commits for a queue of one connection.
      if (queue.exclusiveOwner === 0) vhost.groupOffsets.deleteTopic(queue.name);
      return;
    }
    if (topic.partitions.length > 1) return this.#makePartition(topic, topic.partitions.indexOf(queue), true);
    this.#declared.delete(topic.name);
    vhost.broker.storage.table.delete(definitionKey("topic", vhost.name, topic.name));
    vhost.groupOffsets.deleteTopic(topic.name);
  }

  #save(topic: Topic): void {
    const { partitions, configs, isAdopted } = topic;
    const definition: TopicDefinition = { partitions: partitions.length, configs, isAdopted };
    this.#vhost.broker.storage.table.put(
      definitionKey("topic", this.#vhost.name, topic.name),
      JSON.stringify(definition),
    );
  }

  /** Start-up: the partitions' queues are there already. */
  restore(name: string, definition: TopicDefinition): void {
    const topic: Topic = { ...definition, name, partitions: [] };
    for (let i = 0; i < definition.partitions; i++) {
      const queue = this.#vhost.queues.get(definition.partitions === 1 ? name : partitionName(name, i));
      // The topic's log lived in memory, and so did what was set for it.
      if (queue === undefined) return;
      this.#setPartition(topic, i, queue);
    }
    this.#declared.set(name, topic);
  }
}

/** What a queue keeps of its past is said by its arguments alone: it was built for that. */
function applyRetention(queue: Queue, { configs, isAdopted }: Topic): void {
  if (queue.kind === "queue") return;
  const { policy } = queue;
  const own = isAdopted ? queuePolicy(queue.args) : kafkaDefaults;
  // A compacted topic keeps the newest record of each key for ever: no bound may take it.
  if (configs["cleanup.policy"] === "compact") {
    policy.historyMs = undefined;
    policy.historyBytes = undefined;
    return;
  }
  policy.historyMs = boundOf(configs["retention.ms"], own.historyMs);
  policy.historyBytes = boundOf(configs["retention.bytes"], own.historyBytes);
}

/** A setting of Kafka's where -1 is no bound. */
function boundOf(text: string | undefined, whenAbsent: number | undefined): number | undefined {
  if (text === undefined) return whenAbsent;
  return Number(text) >= 0 ? Number(text) : undefined;
}
