/**
 * Kafka topics with several partitions. A topic of one partition is just the stream of its name.
 *
 * A topic `t` of n partitions is the streams `t-0` … `t-(n-1)` and the exchange `t` that spreads over them by key. One that
 * had one partition and has grown keeps the stream `t` as its partition 0 (ADR 12), with all that others do with it.
 * Invariant: partition i of a topic is the queue named by `partitionName`, made for it and never found, and is bound to
 * the exchange with key `i`. Another protocol may delete one partition of several: it is made again, empty, so that the others keep their numbers.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { isTaken } from "./name-rules.ts";
import { definitionKey, shownName } from "../names.ts";
import type { Queue } from "./queue.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import type { Vhost } from "../vhost.ts";

export interface Topic {
  readonly name: string;
  readonly partitions: Queue[];
  /** Kafka's topic configuration, as set by the client. */
  readonly configs: Readonly<Record<string, string>>;
  /** Another protocol made its log; only the configuration comes from Kafka. */
  readonly isAdopted: boolean;
  /** It had one partition at first, whose stream still has the topic's name. */
  readonly isGrown: boolean;
}

/** A topic as it is stored. */
export interface TopicDefinition {
  partitions: number;
  configs: Readonly<Record<string, string>>;
  isAdopted: boolean;
  isGrown?: true;
}

export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** The name of a partition of a topic with `count` partitions. */
function nameOf(
  { name, isGrown }: Pick<Topic, "name" | "isGrown">,
  partition: number,
  count: number,
): string {
  return count === 1 || (isGrown && partition === 0) ? name : partitionName(name, partition);
}

/** The topic of a queue or stream that was not made as a topic. */
function implied(queue: Queue): Topic {
  return { name: queue.name, partitions: [queue], configs: {}, isAdopted: true, isGrown: false };
}

function newTopic(name: string, configs: Readonly<Record<string, string>>): Topic {
  return { name, partitions: [], configs, isAdopted: false, isGrown: false };
}

export class Topics {
  readonly #vhost: Vhost;
  /** Topics that were made as topics; see `find` for the others. */
  readonly #declared = new Map<string, Topic>();
  /** Partitions of declared topics. */
  readonly #topicOf = new Map<Queue, Topic>();

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
  }

  /** The topic of that name: a declared one, or any durable queue or stream, which is a topic of one partition. */
  find(name: string): Topic | undefined {
    // A stream whose time has come is deleted here, and its topic with it.
    const queue = this.#vhost.findQueue(name);
    const declared = this.#declared.get(name);
    if (declared !== undefined) return declared;
    if (queue === undefined || queue.exclusiveOwner !== 0) return undefined;
    return implied(queue);
  }

  /** All topics: the declared ones and each queue or stream that is not a partition of one. */
  *all(): Generator<Topic> {
    yield* this.#declared.values();
    for (const queue of this.#vhost.queues.values()) {
      if (queue.exclusiveOwner !== 0 || this.#topicOf.has(queue)) continue;
      if (!this.#vhost.timedDeletions.isDue(queue)) yield implied(queue);
    }
  }

  /** Throws ALREADY_EXISTS if a name is taken that a topic of so many partitions needs. */
  assertFree(name: string, partitions: number): void {
    if (this.find(name) !== undefined || isTaken(this.#vhost, name)) {
      throw new BrokerError("ALREADY_EXISTS", `Topic '${name}' already exists.`);
    }
    this.#assertPartitionsFree(newTopic(name, {}), 0, partitions);
  }

  /** Makes a topic. Throws ALREADY_EXISTS, INVALID. */
  create(name: string, partitions: number, configs: Readonly<Record<string, string>>): Topic {
    this.assertFree(name, partitions);
    const topic = newTopic(name, configs);
    if (partitions > 1) this.#makeExchange(name);
    this.#declared.set(name, topic);
    this.#addPartitions(topic, partitions);
    this.#save(topic);
    return topic;
  }

  /**
   * Throws ALREADY_EXISTS, INVALID. A queue that already has the name of a partition belongs to another client, and is not used.
   */
  #assertPartitionsFree(topic: Topic, from: number, to: number): void {
    const last = nameOf(topic, to - 1, to);
    if (last.length > limits.nameBytesMax) {
      throw new BrokerError("INVALID", `The name of partition '${shownName(last)}' is too long.`);
    }
    for (let i = from; i < to; i++) {
      const name = nameOf(topic, i, to);
      if (!isTaken(this.#vhost, name)) continue;
      throw new BrokerError(
        "ALREADY_EXISTS",
        `'${shownName(name)}' already exists and is not a partition of '${shownName(topic.name)}'; ` +
          "delete or rename it first.",
      );
    }
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
    const args = topic.isAdopted ? topic.partitions[0]!.args : {};
    for (let i = topic.partitions.length; i < count; i++) this.#makePartition(topic, i, count, args);
  }

  #makePartition(topic: Topic, index: number, count: number, args: BindingArguments): void {
    const queue = this.#vhost.makePartition({
      name: nameOf(topic, index, count),
      kind: "stream",
      durable: true,
      exclusiveOwner: 0,
      autoDelete: false,
      args,
    });
    this.#setPartition(topic, index, queue);
    if (count > 1) this.#bindPartition(topic, index);
  }

  #bindPartition(topic: Topic, index: number): void {
    const exchange = this.#vhost.exchanges.get(topic.name);
    if (exchange !== undefined)
      this.#vhost.bindings.bind(exchange, topic.partitions[index]!, String(index), {});
  }

  #setPartition(topic: Topic, index: number, queue: Queue, isRestored = false): void {
    topic.partitions[index] = queue;
    this.#topicOf.set(queue, topic);
    queue.policies.applyTopic(topic, isRestored);
  }

  /** Adds partitions. Throws INVALID, or ALREADY_EXISTS if a name is taken that it needs. */
  grow(topic: Topic, count: number, isOnlyChecked = false): void {
    const current = topic.partitions.length;
    if (count === current) throw new BrokerError("INVALID", `Topic already has ${current} partition(s).`);
    if (count < current) {
      throw new BrokerError(
        "INVALID",
        `The topic ${topic.name} currently has ${current} partition(s); ${count} would not be an increase.`,
      );
    }
    const grown: Topic = current === 1 ? { ...topic, isGrown: true } : topic;
    if (current === 1) this.#assertCanGrow(topic);
    this.#assertPartitionsFree(grown, current, count);
    if (isOnlyChecked) return;
    if (current === 1) this.#becomeGrown(grown);
    this.#addPartitions(grown, count);
    this.#save(grown);
  }

  #assertCanGrow({ name, partitions }: Topic): void {
    const { kind, durable, autoDelete } = partitions[0]!;
    if (kind === "queue") {
      throw new BrokerError("INVALID", `'${shownName(name)}' is an AMQP queue, which has one partition.`);
    }
    if (!durable || autoDelete) {
      throw new BrokerError("INVALID", `'${shownName(name)}' is a stream that is not kept; it cannot grow.`);
    }
    if (this.#vhost.exchanges.has(name)) {
      throw new BrokerError(
        "ALREADY_EXISTS",
        `There is an exchange '${shownName(name)}', whose name the topic needs; delete it first.`,
      );
    }
  }

  /** The stream stays the same for all its clients, and is partition 0 from now on. */
  #becomeGrown(topic: Topic): void {
    this.#makeExchange(topic.name);
    this.#declared.set(topic.name, topic);
    this.#setPartition(topic, 0, topic.partitions[0]!);
    this.#bindPartition(topic, 0);
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
    vhost.broker.storage.definitions.delete(definitionKey("topic", vhost.name, topic.name));
    for (const queue of topic.partitions) {
      this.#topicOf.delete(queue);
      vhost.deleteQueue(queue);
    }
    const exchange = vhost.exchanges.get(topic.name);
    if (exchange?.type === "x-kafka-topic") vhost.deleteExchange(exchange);
    vhost.groupOffsets.deleteTopic(topic.name);
  }

  /** Another protocol deleted a queue. A topic is deleted with its only partition. */
  queueDeleted(queue: Queue): void {
    const vhost = this.#vhost;
    const topic = this.#topicOf.get(queue);
    this.#topicOf.delete(queue);
    if (topic === undefined) {
      // No group commits offsets for an exclusive queue.
      if (queue.exclusiveOwner === 0) vhost.groupOffsets.deleteTopic(queue.name);
      return;
    }
    const { length } = topic.partitions;
    // Its name has just become free.
    if (length > 1) return this.#makePartition(topic, topic.partitions.indexOf(queue), length, queue.args);
    this.#declared.delete(topic.name);
    vhost.broker.storage.definitions.delete(definitionKey("topic", vhost.name, topic.name));
    vhost.groupOffsets.deleteTopic(topic.name);
  }

  #save(topic: Topic): void {
    const { partitions, configs, isAdopted, isGrown } = topic;
    const definition: TopicDefinition = { partitions: partitions.length, configs, isAdopted };
    if (isGrown) definition.isGrown = true;
    this.#vhost.broker.storage.definitions.put(
      definitionKey("topic", this.#vhost.name, topic.name),
      JSON.stringify(definition),
    );
  }

  /** Start-up: the partitions' queues are there already. */
  restore(name: string, definition: TopicDefinition): void {
    const { configs, isAdopted, isGrown = false } = definition;
    const topic: Topic = { name, partitions: [], configs, isAdopted, isGrown };
    const queues: Queue[] = [];
    for (let i = 0; i < definition.partitions; i++) {
      const queue = this.#vhost.queues.get(nameOf(topic, i, definition.partitions));
      // The topic's log was in memory only; so its configuration goes too.
      if (queue === undefined) return;
      queues.push(queue);
    }
    queues.forEach((queue, i) => this.#setPartition(topic, i, queue, true));
    this.#declared.set(name, topic);
  }
}
