/**
 * A log that comes and goes: made by AMQP, by Kafka or by its first XADD, written to through each, read through Redis and
 * Kafka, and deleted by queue.delete, DeleteTopics or DEL. Whatever one protocol deletes is gone for all, and does not come back with the next log of
 * its name.
 */
import { AmqpClient, streamTable } from "../clients/amqp-client.ts";
import { makeBatch, recordsOf } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, type Level } from "../model.ts";
import { type Outcome, PassingLog } from "../models/passing-log.ts";
import type { Actor, World } from "../world.ts";
import { isRefusedForNow } from "./producer.ts";
import { isTemporary } from "./stream-writer.ts";

const recordsMax = 12;
const paddingMax = 3000;
const fetchBytes = 64 << 20;
const unknownTopic = 3;
const topicExists = 36;

const make: Outcome = (records) => records ?? [];
const made: Outcome = (records) => (records === null ? [] : undefined);
const found: Outcome = (records) => records ?? undefined;
const deleteAny: Outcome = () => null;
const deleteFound: Outcome = (records) => (records === null ? undefined : null);
const missed: Outcome = (records) => (records === null ? null : undefined);

export class PassingLogActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #log: PassingLog;
  #redis: RedisClient | null = null;
  #kafka: KafkaClient | null = null;
  #amqp: AmqpClient | null = null;
  /** Of the publish that is not confirmed yet. */
  #onConfirm: ((isAck: boolean) => void) | null = null;
  /** What the only request that is under way may have done, once nobody will answer it. */
  #underWay: Outcome | null = null;
  #number = 0;
  /** The number of a record by its body. */
  readonly #bodies = new Map<string, number>();

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#log = new PassingLog(name, world.promises);
    world.passingLogs.push(this.#log);
  }

  get isIdle(): boolean {
    return this.#underWay === null && isThere(this.#redis) && isThere(this.#kafka);
  }

  act(): void {
    if (this.#connect() || this.#underWay !== null || this.#world.isDraining) return;
    const { random } = this.#world;
    const choice = random.next();
    const ways = ["redis", "kafka", "amqp"] as const;
    if (choice < 0.3) this.read(random.pick(["redis", "kafka"]));
    else if (choice < 0.38 || this.#log.length >= recordsMax) this.#delete(random.pick(ways));
    else if (choice < 0.48) this.#make(random.pick(["kafka", "amqp"]));
    else this.#append(random.pick(ways));
  }

  /** Connects one client that is missing, if one is. */
  #connect(): boolean {
    const world = this.#world;
    if (!isThere(this.#redis)) {
      const link = world.connect("redis");
      if (link !== null) this.#redis = new RedisClient(link);
    } else if (!isThere(this.#kafka)) {
      const link = world.connect("kafka");
      if (link !== null) this.#kafka = new KafkaClient(link);
    } else if (this.#amqp === null && !world.isDraining) {
      const link = world.connect("amqp");
      if (link !== null) this.#open(link);
    } else return false;
    return true;
  }

  #open(link: ConstructorParameters<typeof AmqpClient>[0]): void {
    const client = new AmqpClient(link, {
      confirmed: (_tag, _isMultiple, isAck) => this.#onConfirm?.(isAck),
      lost: () => {
        if (this.#amqp !== client) return;
        this.#amqp = null;
        if (this.#onConfirm !== null) this.#unanswered();
      },
    });
    this.#amqp = client;
    client.confirmSelect(() => {});
  }

  #begin(outcome: Outcome): void {
    this.#underWay = outcome;
  }

  #unanswered(): void {
    this.#world.note(`${this.name}: no answer`);
    this.#log.unanswered(this.#underWay!);
    this.#end();
  }

  #answered(what: string, outcome: Outcome, level: Level = "written"): void {
    this.#world.note(`${this.name}: ${what}`);
    this.#log.answered(what, outcome, level);
    this.#end();
  }

  #end(): void {
    this.#underWay = null;
    this.#onConfirm = null;
  }

  #append(way: "redis" | "kafka" | "amqp"): void {
    const { random } = this.#world;
    const number = ++this.#number;
    const body = `${number} ${random.chance(0.2) ? "x".repeat(random.below(paddingMax)) : ""}`;
    this.#bodies.set(body, number);
    if (way === "redis") this.#xadd(number, body);
    else if (way === "kafka") this.#produce(number, body);
    else this.#publish(number, body);
  }

  /** A command of Redis. `read` says what an answer means. */
  #call(
    words: string[],
    outcome: Outcome,
    read: (reply: RedisReply) => Outcome,
    level: Level = "written",
  ): void {
    this.#begin(outcome);
    this.#redis!.call(words, (reply, isLost) => {
      if (isLost) return this.#unanswered();
      if (isTemporary(reply)) {
        this.#world.note(`${this.name}: ${words[0]} is refused for now`);
        return this.#end();
      }
      if (reply instanceof Error) {
        if (this.#world.isDamaged) return this.#unanswered();
        throw new Fault(`${this.name}: ${words[0]} answered ${reply.message}`);
      }
      this.#answered(`${words[0]} answered ${String(reply).slice(0, 40)}`, read(reply), level);
    });
  }

  #xadd(number: number, body: string): void {
    const outcome: Outcome = (records) => [...(records ?? []), number];
    const words = ["XADD", this.name, "*", "body", body];
    this.#call(words, outcome, () => outcome, this.#world.redisStreamsLevel);
  }

  #produce(number: number, body: string): void {
    const head = { timestamp: this.#world.time.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
    const partitionData = [{ index: 0, records: makeBatch({ values: [body], ...head }) }];
    const topicData = [{ name: this.name, partitionData }];
    const outcome: Outcome = (records) => [...(records ?? []), number];
    this.#begin(outcome);
    this.#kafka!.request("Produce", 9, { acks: -1, timeoutMs: 10_000, topicData }, (answer) => {
      const errorCode = answer?.responses[0]?.partitionResponses[0]?.errorCode;
      if (errorCode === 0) this.#answered(`${number} was produced`, outcome, this.#world.acksAllLevel);
      else if (errorCode === unknownTopic) this.#answered("Kafka knows no such topic", missed);
      else {
        // As in Kafka, a topic is made for a batch that is then refused.
        this.#log.unanswered(make);
        this.#refused("Produce", errorCode);
      }
    });
  }

  /** It was not answered, or with an error that says nothing of what is there. */
  #refused(what: string, errorCode: number | undefined): void {
    if (errorCode !== undefined && !isRefusedForNow(this.#world, errorCode))
      throw new Fault(`${this.name}: ${what} answered ${errorCode}`);
    this.#unanswered();
  }

  /** The confirm of a message without a queue says nothing of the disk. */
  #publish(number: number, body: string): void {
    const outcome: Outcome = (records) => (records === null ? null : [...records, number]);
    this.#begin(outcome);
    this.#onConfirm = (isAck) => {
      if (isAck) this.#answered(`${number} was confirmed`, outcome);
      else this.#unanswered();
    };
    this.#amqp!.publish(this.name, body);
  }

  #make(way: "kafka" | "amqp"): void {
    this.#begin(make);
    if (way === "amqp") {
      this.#amqp!.declare(this.name, streamTable, (payload) => {
        if (payload === null) this.#unanswered();
        else this.#answered("declared", make);
      });
      return;
    }
    const topics = [
      { name: this.name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ];
    this.#kafka!.request("CreateTopics", 5, { topics, timeoutMs: 1000 }, (body) => {
      const errorCode = body?.topics[0]?.errorCode;
      if (errorCode === 0) this.#answered("CreateTopics made it", made);
      else if (errorCode === topicExists) this.#answered("CreateTopics found it", found);
      else this.#refused("CreateTopics", errorCode);
    });
  }

  #delete(way: "redis" | "kafka" | "amqp"): void {
    this.#world.count("logs deleted");
    if (way === "redis") {
      this.#call(["DEL", this.name], deleteAny, (reply) => (reply === 1 ? deleteFound : missed));
      return;
    }
    this.#begin(deleteAny);
    if (way === "amqp") {
      this.#amqp!.deleteQueue(this.name, (payload) => {
        if (payload === null) this.#unanswered();
        else this.#answered("queue.delete", deleteAny);
      });
      return;
    }
    this.#kafka!.request("DeleteTopics", 4, { topicNames: [this.name], timeoutMs: 1000 }, (body) => {
      const errorCode = body?.responses[0]?.errorCode;
      if (errorCode === 0) this.#answered("DeleteTopics deleted it", deleteFound);
      else if (errorCode === unknownTopic) this.#answered("DeleteTopics found none", missed);
      else this.#refused("DeleteTopics", errorCode);
    });
  }

  /** By one protocol, all that is there. */
  read(way: "redis" | "kafka"): void {
    if (way === "redis") {
      this.#call(["XRANGE", this.name, "-", "+"], found, (reply) => {
        const bodies = (reply as [string, string[]][]).map(([, fields]) => fields[1] ?? "");
        return this.#holding(bodies, true);
      });
      return;
    }
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: fetchBytes }];
    const topics = [{ topic: this.name, partitions }];
    this.#begin(found);
    this.#kafka!.request("Fetch", 11, { maxWaitMs: 0, minBytes: 0, maxBytes: fetchBytes, topics }, (body) => {
      const partition = body?.responses[0]?.partitions[0];
      if (partition?.errorCode === unknownTopic) this.#answered("Fetch knows no such topic", missed);
      else if (partition?.errorCode !== 0) this.#refused("Fetch", partition?.errorCode);
      else {
        const records = Buffer.isBuffer(partition.records) ? recordsOf(partition.records) : [];
        records.forEach(([offset], i) => {
          if (offset !== i && !this.#world.isDamaged)
            throw new Fault(`${this.name}: record ${i} of the log has offset ${offset}`);
        });
        const bodies = records.map(([, text]) => text);
        this.#answered(`Fetch found ${bodies.length} records`, this.#holding(bodies, false));
      }
    });
  }

  /** Redis knows no difference between an empty stream and none. */
  #holding(bodies: readonly string[], isEmptyNone: boolean): Outcome {
    const numbers = bodies.map((body) => this.#bodies.get(body));
    const unknown = numbers.indexOf(undefined);
    if (unknown >= 0) throw new Fault(`${this.name} has "${bodies[unknown]}", which nobody sent`);
    const text = numbers.join(" ");
    return (records) => {
      if (records === null) return isEmptyNone && numbers.length === 0 ? null : undefined;
      return records.join(" ") === text ? records : undefined;
    };
  }
}

function isThere(client: { readonly isLost: boolean } | null): boolean {
  return client !== null && !client.isLost;
}
