/**
 * Kafka topics with several partitions. A topic of one partition is just the stream of its name.
 *
 * A topic `t` of n partitions is the streams `t-0` … `t-(n-1)` and the exchange `t` that spreads over them by key.
 * Invariant: partition i of a topic is the queue named by `partitionName`, and is bound to the exchange with key `i`.
 */
import { BrokerError } from "../base/errors.ts";
import { definitionKey } from "./names.ts";
import type { Queue } from "./queue.ts";
import type { Vhost } from "./vhost.ts";

export interface Topic {
  readonly name: string;
  readonly partitions: Queue[];
  /** Kafka's topic configuration, as set by the client. */
  readonly configs: Readonly<Record<string, string>>;
}

export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

export class Topics {
  readonly #vhost: Vhost;
  /** Those that were made as topics; see `find` for the others. */
  readonly #declared = new Map<string, Topic>();

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
  }

  /** The topic of that name: declared as one, or any durable queue or stream, which has one partition. */
  find(name: string): Topic | undefined {
    const declared = this.#declared.get(name);
    if (declared !== undefined) return declared;
    const queue = this.#vhost.queues.get(name);
    if (queue === undefined || queue.exclusiveOwner !== 0) return undefined;
    return { name, partitions: [queue], configs: {} };
  }

  /** All topics: the declared ones and each queue or stream that is not a partition of one. */
  *all(): Generator<Topic> {
    const partitions = new Set<Queue>();
    for (const topic of this.#declared.values()) {
      yield topic;
      for (const partition of topic.partitions) partitions.add(partition);
    }
    for (const queue of this.#vhost.queues.values()) {
      if (queue.exclusiveOwner === 0 && !partitions.has(queue)) {
        yield { name: queue.name, partitions: [queue], configs: {} };
      }
    }
  }

  /** Makes a topic. Throws ALREADY_EXISTS when a topic, queue, stream or exchange has a name that it needs. */
  create(name: string, partitions: number, configs: Readonly<Record<string, string>>): Topic {
    const vhost = this.#vhost;
    if (this.find(name) !== undefined || vhost.exchanges.has(name)) {
      throw new BrokerError("ALREADY_EXISTS", `Topic '${name}' already exists.`);
    }
    for (let i = 0; partitions > 1 && i < partitions; i++) {
      if (vhost.queues.has(partitionName(name, i))) {
        throw new BrokerError(
          "ALREADY_EXISTS",
          `'${partitionName(name, i)}' already exists and is not a partition of '${name}'.`,
        );
      }
    }
    const topic: Topic = { name, partitions: [], configs };
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
    const vhost = this.#vhost;
    for (let i = topic.partitions.length; i < count; i++) {
      const name = count === 1 ? topic.name : partitionName(topic.name, i);
      const queue = vhost.declareQueue({
        name,
        kind: "stream",
        durable: true,
        exclusiveOwner: 0,
        autoDelete: false,
        args: {},
      });
      topic.partitions.push(queue);
      if (count > 1) vhost.bind(vhost.exchange(topic.name), queue, String(i), {});
    }
  }

  /** Adds partitions. Throws INVALID when a topic of one partition is asked to grow: its log has the topic's own name. */
  grow(topic: Topic, count: number): void {
    if (count <= topic.partitions.length) {
      throw new BrokerError(
        "INVALID",
        `The topic ${topic.name} currently has ${topic.partitions.length} partition(s); ${count} would not be an increase.`,
      );
    }
    if (topic.partitions.length === 1) {
      throw new BrokerError(
        "INVALID",
        `Topic ${topic.name} has one partition, which other protocols see as the stream '${topic.name}'; ` +
          "create a new topic with more partitions instead.",
      );
    }
    this.#addPartitions(topic, count);
    this.#save(topic);
  }

  setConfigs(topic: Topic, configs: Readonly<Record<string, string>>): void {
    const changed: Topic = { ...topic, configs };
    this.#declared.set(topic.name, changed);
    this.#save(changed);
  }

  delete(topic: Topic): void {
    const vhost = this.#vhost;
    this.#declared.delete(topic.name);
    vhost.broker.storage.table.delete(definitionKey("topic", vhost.name, topic.name));
    for (const queue of topic.partitions) vhost.deleteQueue(queue);
    const exchange = vhost.exchanges.get(topic.name);
    if (exchange?.type === "x-kafka-topic") vhost.deleteExchange(exchange);
    vhost.groupOffsets.deleteTopic(topic.name);
  }

  /** A queue was deleted by another protocol: a topic without partitions is gone. */
  queueDeleted(queue: Queue): void {
    const topic = this.#declared.get(queue.name);
    if (topic !== undefined && topic.partitions[0] === queue) {
      this.#declared.delete(queue.name);
      this.#vhost.broker.storage.table.delete(definitionKey("topic", this.#vhost.name, queue.name));
    }
  }

  #save(topic: Topic): void {
    const definition = { partitions: topic.partitions.length, configs: topic.configs };
    this.#vhost.broker.storage.table.put(
      definitionKey("topic", this.#vhost.name, topic.name),
      JSON.stringify(definition),
    );
  }

  /** Start-up: the partitions' queues are there already. */
  restore(name: string, definition: { partitions: number; configs: Record<string, string> }): void {
    const topic: Topic = { name, partitions: [], configs: definition.configs };
    for (let i = 0; i < definition.partitions; i++) {
      const queue = this.#vhost.queues.get(definition.partitions === 1 ? name : partitionName(name, i));
      if (queue !== undefined) topic.partitions.push(queue);
    }
    this.#declared.set(name, topic);
  }
}
