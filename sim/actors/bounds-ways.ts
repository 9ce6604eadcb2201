/**
 * The ways into bounded queues beside a channel with confirms: transactions, XADD and PUBLISH, Kafka's batches; and who looks at
 * what is there, and takes it out by its place. One request at a time.
 */
import { method } from "../../test/support/amqp-frames.ts";
import { AmqpClient } from "../clients/amqp-client.ts";
import { makeBatch } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, type Level } from "../model.ts";
import { type Publish, queueNames, refused, taken } from "../models/bounds.ts";
import type { Step } from "../models/bounds-history.ts";
import type { World } from "../world.ts";
import { type BoundsRequests, itemOf, numberOf } from "./bounds-request.ts";
import { isRefusedForNow } from "./producer.ts";
import { isTemporary } from "./stream-writer.ts";

const batchMax = 3;
const policyViolation = 44;
const outOfOrderSequence = 45;

/** An entry of main. */
export interface Seen {
  readonly id: string;
  readonly number: number;
}

interface Batch {
  readonly id: number;
  readonly publishes: readonly Publish[];
  readonly bodies: readonly string[];
}

export class OtherWays {
  readonly #world: World;
  readonly #requests: BoundsRequests;
  #tx: AmqpClient | null = null;
  #redis: RedisClient | null = null;
  #kafka: KafkaClient | null = null;
  /** What the idempotent producer sends until it is answered. */
  #batch: Batch | null = null;
  #producer: { id: number; epoch: number; sequence: number } | null = null;
  /** What was in main with the last answer. */
  #seen: readonly Seen[] = [];

  constructor(requests: BoundsRequests) {
    this.#requests = requests;
    this.#world = requests.world;
  }

  /** Connects one client that is missing, if one is. */
  connect(): boolean {
    const missing = (
      [
        ["amqp", this.#tx],
        ["redis", this.#redis],
        ["kafka", this.#kafka],
      ] as const
    ).find(([, client]) => client === null || client.isLost);
    if (missing === undefined) return false;
    const [protocol] = missing;
    const link = this.#world.connect(protocol);
    if (link === null) return true;
    if (protocol === "redis") this.#redis = new RedisClient(link);
    else if (protocol === "kafka") this.#kafka = new KafkaClient(link);
    else this.#openTx(link);
    return true;
  }

  /** Leaves without waiting for the answer, if there is one. */
  leave(): void {
    this.#world.random.pick([this.#tx!, this.#redis!, this.#kafka!, this.#kafka!]).cut();
  }

  /** What was seen in main with the last request, once. */
  takeSeen(): readonly Seen[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  #openTx(link: ConstructorParameters<typeof AmqpClient>[0]): void {
    const client = new AmqpClient(link, {
      lost: (why) => {
        if (this.#tx !== client) return;
        this.#tx = null;
        this.#onTxLost?.(why);
      },
    });
    this.#tx = client;
    client.call(method(1, 90, 10), () => {});
  }

  #onTxLost: ((why: string) => void) | null = null;

  /** An idempotent producer waits for an answer: where that is lost, it sends the batch again. */
  get hasBatch(): boolean {
    return this.#batch !== null;
  }

  commit(): void {
    const { random } = this.#world;
    const client = this.#tx!;
    const bodies = Array.from({ length: random.between(1, batchMax) }, () => this.#requests.newBody());
    const publishes = bodies.map(([number, body]): Publish => {
      const [exchange, key] = random.pick([
        ["", "main"],
        ["", "other"],
        ["bounds.c", "both"],
      ] as const);
      return { exchange, key, item: itemOf(number, body.length, body) };
    });
    const numbers = bodies.map(([number]) => number).join(" ");
    this.#requests.begin({
      what: `commit ${numbers}`,
      change: this.#requests.bounds.publishWhole(publishes, true),
    });
    this.#onTxLost = (why) => {
      this.#onTxLost = null;
      if (!this.#requests.isUnderWay) return;
      if (why.includes("is full")) this.#requests.answered([refused], "written");
      else this.#requests.unanswered();
    };
    publishes.forEach(({ exchange, key }, i) => client.publish(key, bodies[i]![1], exchange));
    client.call(method(1, 90, 20), (payload) => {
      if (payload === null) return;
      this.#onTxLost = null;
      this.#world.count("transactions over bounded queues");
      this.#requests.answered([taken], "durable");
    });
  }

  xadd(): void {
    const { random } = this.#world;
    const [number, body] = this.#requests.newBody();
    const level = this.#world.redisStreamsLevel;
    if (random.chance(0.5)) {
      const fields = ["body", body];
      const item = itemOf(number, entryBytes(fields), body);
      const change = this.#requests.bounds.publishWhole([{ exchange: "", key: "main", item }]);
      this.#call({ what: `XADD ${number} to main`, change }, ["XADD", "main", "*", ...fields], level);
      return;
    }
    const [exchange, key] = random.pick([
      ["bounds.a", "both"],
      ["bounds.a", "other"],
      ["bounds.c", "main"],
      ["bounds.c", "both"],
    ] as const);
    const fields = ["routing_key", key, "body", body];
    const item = itemOf(number, entryBytes(fields), body);
    const change = this.#requests.bounds.publishWhole([{ exchange, key, item }]);
    const step = { what: `XADD ${number} to ${exchange} ${key}`, change };
    this.#call(step, ["XADD", exchange, "*", ...fields], exchange === "bounds.c" ? level : "written");
  }

  publishLive(): void {
    const [number, body] = this.#requests.newBody();
    const key = this.#world.random.pick(["main", "both"]);
    const change = this.#requests.bounds.publishUntold("amq.topic", key, itemOf(number, body.length, body));
    this.#call({ what: `PUBLISH ${number} ${key}`, change }, ["PUBLISH", key, body], "written");
  }

  /** At one of those, if there is one. */
  look(): void {
    const { bounds } = this.#requests;
    const differing = this.#requests.differing;
    const name = this.#world.random.pick(differing.length > 0 ? differing : queueNames);
    const step = { what: `look at ${name}`, change: bounds.look(name) };
    this.#call(step, ["XRANGE", name, "-", "+"], "written", (reply) => {
      const entries = (reply as [string, string[]][]).map(([id, fields]): Seen => {
        return { id, number: numberOf(fields[fields.indexOf("body") + 1] ?? "") };
      });
      if (name === "main") this.#seen = entries;
      return entries.map(({ number }) => number).join(" ");
    });
  }

  /** Takes entries out of main by their ids, or its oldest ones, while nobody consumes it. */
  removeSeen(seen: readonly Seen[]): void {
    const { random } = this.#world;
    const { bounds } = this.#requests;
    if (random.chance(0.3)) {
      const length = random.below(seen.length);
      const words = ["XTRIM", "main", "MAXLEN", String(length)];
      this.#call({ what: `trim to ${length}`, change: bounds.trim(length) }, words, "written", Number);
      return;
    }
    const { id, number } = random.pick(seen);
    this.#call(
      { what: `delete ${number}`, change: bounds.remove(number) },
      ["XDEL", "main", id],
      "written",
      Number,
    );
  }

  #call(
    step: Step,
    words: readonly string[],
    level: Level,
    read: (reply: RedisReply) => string | number = () => taken,
  ): void {
    this.#requests.begin(step);
    this.#redis!.call(words, (reply: RedisReply, isLost) => {
      if (!this.#requests.isUnderWay) return;
      if (isLost || isTemporary(reply)) return this.#requests.unanswered();
      if (!(reply instanceof Error)) return this.#requests.answered([read(reply)], level);
      if (reply.message.includes("is full")) return this.#requests.answered([refused], "written");
      if (this.#world.isDamaged) return this.#requests.unanswered();
      throw new Fault(`${this.#requests.name}: ${words[0]} answered ${reply.message}`);
    });
  }

  /** A batch to main or through an exchange; or to main by an idempotent producer, again until it is answered. */
  produce(): void {
    const { random } = this.#world;
    if (this.#batch !== null || random.chance(0.4)) return this.#produceOnce();
    const isDirect = random.chance(0.5);
    const count = random.between(1, batchMax);
    if (isDirect) {
      const { publishes, bodies } = this.#directBatch(count);
      const change = this.#requests.bounds.publishWhole(publishes);
      return this.#request(
        "main",
        { what: `produce ${numbersOf(publishes)} to main`, change },
        this.#make(bodies),
      );
    }
    const keys = Array.from({ length: count }, () => random.pick(["main", "other", "both", "none"]));
    const exchange = random.pick(["bounds.a", "bounds.c"]);
    const made = keys.map((key) => {
      const [number, body] = this.#requests.newBody();
      return { number, body, key, size: this.#make([body], [key]).length };
    });
    const publishes = made.map(({ number, body, key, size }): Publish => ({
      exchange,
      key,
      item: itemOf(number, size, body),
    }));
    const change = this.#requests.bounds.publishWhole(publishes);
    const records = this.#make(
      made.map(({ body }) => body),
      keys,
    );
    const what = `produce ${numbersOf(publishes)} to ${exchange} ${keys.join(" ")}`;
    this.#request(exchange, { what, change }, records);
  }

  /** Each of its records counts for an equal part of it, without a remainder. */
  #directBatch(count: number): { publishes: readonly Publish[]; bodies: readonly string[] } {
    const all = Array.from({ length: count }, () => this.#requests.newBody());
    while (this.#make(all.map(([, body]) => body)).length % count !== 0) all[0]![1] += ".";
    const bodies = all.map(([, body]) => body);
    const size = this.#make(bodies).length / count;
    const publishes = all.map(([number, body]) => ({
      exchange: "",
      key: "main",
      item: itemOf(number, size, body),
    }));
    return { publishes, bodies };
  }

  #make(values: readonly string[], keys?: readonly string[]): Buffer {
    const { id, epoch, sequence } = (keys === undefined && this.#batch !== null ? this.#producer : null) ?? {
      id: -1,
      epoch: -1,
      sequence: -1,
    };
    return makeBatch({
      values,
      ...(keys === undefined ? {} : { keys }),
      timestamp: this.#world.time.now(),
      producerId: id,
      producerEpoch: epoch,
      baseSequence: sequence,
    });
  }

  #produceOnce(): void {
    if (this.#producer === null) return this.#initialise();
    this.#batch ??= {
      id: this.#requests.nextNumber,
      ...this.#directBatch(this.#world.random.between(1, batchMax)),
    };
    const { id, publishes, bodies } = this.#batch;
    const change = this.#requests.bounds.publishOnce(id, publishes);
    const step = { what: `produce ${numbersOf(publishes)} once to main`, change };
    this.#request("main", step, this.#make(bodies), (errorCode) => {
      if (errorCode === 0) this.#producer!.sequence += bodies.length;
      if (errorCode === outOfOrderSequence) this.#producer = null;
      if (errorCode === 0 || errorCode === policyViolation || errorCode === outOfOrderSequence)
        this.#batch = null;
    });
  }

  #initialise(): void {
    this.#requests.isUnderWay = true;
    const body = { transactionalId: null, transactionTimeoutMs: 60_000 };
    this.#kafka!.request("InitProducerId", 4, body, (answer) => {
      this.#requests.isUnderWay = false;
      if (answer?.errorCode === 0)
        this.#producer = { id: answer.producerId, epoch: answer.producerEpoch, sequence: 0 };
    });
  }

  #request(topic: string, step: Step, records: Buffer, ended?: (errorCode: number) => void): void {
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    this.#requests.begin(step);
    this.#kafka!.request("Produce", 9, { acks: -1, timeoutMs: 10_000, topicData }, (answer) => {
      if (!this.#requests.isUnderWay) return;
      const errorCode = answer?.responses[0]?.partitionResponses[0]?.errorCode;
      if (errorCode !== undefined) ended?.(errorCode);
      if (errorCode === 0) return this.#requests.answered([taken], this.#world.acksAllLevel);
      if (errorCode === policyViolation) return this.#requests.answered([refused], "written");
      const isExpected =
        errorCode === undefined ||
        isRefusedForNow(this.#world, errorCode) ||
        (errorCode === outOfOrderSequence && this.#world.acksAllLevel === "written");
      if (!isExpected) throw new Fault(`${this.#requests.name}: Produce answered ${errorCode}`);
      this.#requests.unanswered();
    });
  }
}

function numbersOf(publishes: readonly Publish[]): string {
  return publishes.map(({ item }) => item.number).join(" ");
}

/** What an entry's fields take as it is stored. */
function entryBytes(fields: readonly string[]): number {
  const bulks = fields.map((field) => `$${field.length}\r\n${field}\r\n`);
  return `*${fields.length}\r\n${bulks.join("")}`.length;
}
