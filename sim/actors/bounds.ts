/**
 * Bounded queues, written to in every way that there is, one request (or a burst of methods on one AMQP channel) at a time:
 * each answer is compared with the model's, so that what is confirmed is in its queue, and what is refused is nowhere but
 * where dead letters go.
 */
import { method } from "../../test/support/amqp-frames.ts";
import { AmqpClient, type Delivery } from "../clients/amqp-client.ts";
import { makeBatch } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, type Level } from "../model.ts";
import {
  Bounds,
  type Item,
  type Publish,
  queueNames,
  type QueueName,
  refused,
  taken,
  type Topology,
} from "../models/bounds.ts";
import { BoundsHistory, type Step } from "../models/bounds-history.ts";
import type { Actor, World } from "../world.ts";
import { bridgeTable } from "./bounds-setup.ts";
import { isRefusedForNow } from "./producer.ts";
import { isTemporary } from "./stream-writer.ts";

const burstMax = 5;
const bodyBytesMax = 40;
const batchMax = 3;
const prefetchMax = 3;
/** Where more may be true, it looks before it does anything else. */
const possibleMax = 10;
/** The last step of a burst that changes anything, from its end: behind it comes a count. */
const stepsLast = 2;
const policyViolation = 44;
const outOfOrderSequence = 45;
/** Queues that nobody consumes, in the order in which they are emptied. */
const quiet: readonly QueueName[] = ["dead", "other"];

/** An entry of main. */
interface Seen {
  readonly id: string;
  readonly number: number;
}

interface Batch {
  readonly id: number;
  readonly publishes: readonly Publish[];
  readonly bodies: readonly string[];
}

export class BoundsActor implements Actor {
  readonly name: string;
  readonly history: BoundsHistory;
  readonly #world: World;
  #amqp: AmqpClient | null = null;
  #tx: AmqpClient | null = null;
  #redis: RedisClient | null = null;
  #kafka: KafkaClient | null = null;
  #isUnderWay = false;
  #isConsuming = false;
  /** Came and were not looked at yet; are held. */
  #arrived: Delivery[] = [];
  #held: Delivery[] = [];
  #number = 0;
  /** Of the burst that is under way. */
  #answers: (string | number | undefined)[] = [];
  /** The step of each publish by its delivery tag, and the tags that were answered. */
  #steps = new Map<number, number>();
  #lastTag = 0;
  #isDurable = false;
  #sent = 0;
  /** What the idempotent producer sends until it is answered. */
  #batch: Batch | null = null;
  #producer: { id: number; epoch: number; sequence: number } | null = null;
  /** What was in main with the last answer. */
  #seen: readonly Seen[] = [];
  #isDrained = false;

  constructor(world: World, name: string, topology: Topology) {
    this.#world = world;
    this.name = name;
    this.history = new BoundsHistory(new Bounds(topology), world.promises);
    world.boundsHistories.push(this.history);
  }

  get isIdle(): boolean {
    return !this.#isUnderWay && (this.#isDrained || this.#world.isDamaged);
  }

  crashed(): void {
    this.#isUnderWay = false;
    this.#answers = [];
  }

  act(): void {
    const { random, isDraining } = this.#world;
    if (this.#connect()) return;
    if (this.#isUnderWay) {
      if (!isDraining && random.chance(0.01)) this.#leave();
      return;
    }
    this.#takeDeliveries();
    if (isDraining) return this.#drain();
    const seen = this.#seen;
    this.#seen = [];
    if (seen.length > 0 && !this.#isConsuming && random.chance(0.5)) return this.#removeSeen(seen);
    const choice = random.next();
    if (this.history.possible.length > possibleMax || choice < 0.05) this.#look();
    else if (choice < 0.5) this.#burst();
    else if (choice < 0.62) this.#commit();
    else if (choice < 0.74) this.#xadd();
    else if (choice < 0.8) this.#publishLive();
    else if (choice < 0.98) this.#produce();
    else this.#leave();
  }

  /** Does not wait for the answer, if there is one. */
  #leave(): void {
    this.#world.random.pick([this.#amqp!, this.#tx!, this.#redis!, this.#kafka!, this.#kafka!]).cut();
  }

  // Connections

  #connect(): boolean {
    const world = this.#world;
    const missing = (["amqp", "tx", "redis", "kafka"] as const).find((name) => !this.#has(name));
    if (missing === undefined) return false;
    const link = world.connect(missing === "tx" ? "amqp" : missing);
    if (link === null) return true;
    if (missing === "redis") this.#redis = new RedisClient(link);
    else if (missing === "kafka") this.#kafka = new KafkaClient(link);
    else if (missing === "tx") this.#openTx(link);
    else this.#open(link);
    return true;
  }

  #has(name: "amqp" | "tx" | "redis" | "kafka"): boolean {
    const client = { amqp: this.#amqp, tx: this.#tx, redis: this.#redis, kafka: this.#kafka }[name];
    return client !== null && !client.isLost;
  }

  #open(link: ConstructorParameters<typeof AmqpClient>[0]): void {
    this.#arrived = [];
    this.#held = [];
    this.#steps = new Map();
    this.#lastTag = 0;
    this.#isConsuming = false;
    const client = new AmqpClient(link, {
      delivered: (delivery) => this.#arrived.push(delivery),
      confirmed: (tag, isMultiple, isAck) => this.#confirmed(tag, isMultiple, isAck),
      lost: (why) => {
        if (this.#amqp !== client) return;
        this.#amqp = null;
        this.#world.note(`${this.name}: ${why}`);
        if (this.#answers.length > 0) this.#unanswered();
        this.history.consumerGone();
      },
    });
    this.#amqp = client;
    client.confirmSelect(() => {});
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

  #takeDeliveries(): void {
    for (const delivery of this.#arrived.splice(0)) {
      this.#world.count("bounded messages delivered");
      this.history.delivered(numberOf(delivery.body));
      this.#held.push(delivery);
    }
  }

  // One request

  #begin(...steps: Step[]): void {
    this.#isUnderWay = true;
    this.#sent = this.#world.promises.number();
    this.#world.note(`${this.name}: ${steps.map(({ what }) => what).join("; ")}`);
    this.history.begin(steps);
  }

  #answered(answers: readonly (string | number)[], level: Level): void {
    this.#isUnderWay = false;
    this.#answers = [];
    this.#world.note(`${this.name}: ${level} ${answers.join(", ")}`);
    this.#world.count("bounded queues: requests answered");
    if (answers.includes(refused)) this.#world.count("bounded queues: requests with a refusal");
    this.history.answered(answers, level);
    if (level === "durable") this.#world.promises.durable(this.#sent);
  }

  #unanswered(): void {
    if (!this.#isUnderWay) return;
    this.#isUnderWay = false;
    this.#answers = [];
    this.#world.note(`${this.name}: no answer`);
    this.history.unanswered();
  }

  #newBody(): [number: number, body: string] {
    const number = ++this.#number;
    return [number, `${number} ${".".repeat(this.#world.random.below(bodyBytesMax))}`];
  }

  // A burst of methods on one channel

  #burst(): void {
    const { random } = this.#world;
    const client = this.#amqp!;
    const steps: Step[] = [];
    const sends: (() => void)[] = [];
    const add = (step: Step, send: (at: number) => void): void => {
      const at = steps.push(step) - 1;
      sends.push(() => send(at));
    };
    this.#isDurable = false;
    for (let left = random.between(1, burstMax); left > 0; left--) this.#addMethod(client, add);
    this.#addCount(client, "main", add);
    this.#send(steps, sends);
  }

  #send(steps: readonly Step[], sends: readonly (() => void)[]): void {
    this.#answers = Array.from({ length: steps.length });
    this.#durableSteps.clear();
    this.#begin(...steps);
    for (const send of sends) send();
  }

  #addMethod(client: AmqpClient, add: Add): void {
    const { random } = this.#world;
    if (!this.#isConsuming && random.chance(0.3)) this.#addConsume(client, add);
    else if (this.#held.length > 0 && random.chance(0.5)) this.#addSettlement(client, add);
    else if (random.chance(0.25)) this.#addGet(client, random.pick(quiet), add);
    else if (random.chance(0.06)) this.#addBridge(client, random.chance(0.6), add);
    else this.#addPublish(client, add);
  }

  #addConsume(client: AmqpClient, add: Add): void {
    const prefetch = this.#world.random.between(1, prefetchMax);
    this.#isConsuming = true;
    add({ what: `consume with ${prefetch}`, change: this.history.bounds.consume(prefetch) }, (at) => {
      client.qos(prefetch, () => {});
      client.consume("main", (payload) => this.#methodAnswered(at, payload === null ? null : taken));
    });
  }

  /** A settlement has no answer: the methods behind it say that it was taken. */
  #addSettlement(client: AmqpClient, add: Add, isAck = false): void {
    const { random } = this.#world;
    const [{ tag, body }] = this.#held.splice(random.below(this.#held.length), 1) as [Delivery];
    const number = numberOf(body);
    const outcome = isAck ? "acknowledge" : random.pick(["acknowledge", "requeue", "reject"] as const);
    add({ what: `${outcome} ${number}`, change: this.history.bounds.settle(number, outcome) }, (at) => {
      this.#answers[at] = taken;
      if (outcome === "acknowledge") client.ack(tag);
      else if (outcome === "requeue") client.requeue(tag);
      else client.reject(tag);
    });
  }

  #addGet(client: AmqpClient, queue: QueueName, add: Add): void {
    add({ what: `get from ${queue}`, change: this.history.bounds.get(queue) }, (at) => {
      client.get(queue, (delivery) => {
        if (client.isLost) return;
        this.#methodAnswered(at, delivery === null ? "empty" : numberOf(delivery.body));
      });
    });
  }

  #addCount(client: AmqpClient, queue: QueueName, add: Add): void {
    add({ what: `count ${queue}`, change: this.history.bounds.count(queue) }, (at) =>
      client.count(queue, (count) => this.#methodAnswered(at, count)),
    );
  }

  #addBridge(client: AmqpClient, isMade: boolean, add: Add): void {
    add(
      { what: isMade ? "make bounds.b" : "delete bounds.b", change: this.history.bounds.bridge(isMade) },
      (at) => {
        const answered = (payload: Buffer | null): void =>
          this.#methodAnswered(at, payload === null ? null : taken);
        if (isMade) client.declareKept("bounds.b", "topic", bridgeTable, answered);
        else client.deleteExchange("bounds.b", answered);
      },
    );
  }

  #addPublish(client: AmqpClient, add: Add): void {
    const { random } = this.#world;
    const [exchange, key] = random.pick([
      ["", "main"],
      ["", "main"],
      ["", "other"],
      ["", "first"],
      ["", "first"],
      ["bounds.a", "other"],
      ["bounds.a", "main"],
      ["bounds.a", "both"],
      ["bounds.c", "both"],
      ["bounds.live", "main"],
    ] as const);
    const [number, body] = this.#newBody();
    const change = this.history.bounds.publish(exchange, key, itemOf(number, body.length, body));
    add({ what: `publish ${number} to ${exchange} ${key}`, change }, (at) => {
      this.#steps.set(++this.#lastTag, at);
      // Elsewhere it may have had no queue: its confirm says nothing of the disk.
      if (exchange === "") this.#durableSteps.add(at);
      client.publish(key, body, exchange);
    });
  }

  /** Steps of this burst that are durable when they are confirmed. */
  readonly #durableSteps = new Set<number>();

  #confirmed(tag: number, isMultiple: boolean, isAck: boolean): void {
    if (!this.#steps.has(tag))
      throw new Fault(`${this.name}: tag ${tag} was confirmed, which waits for nothing`);
    for (const [each, at] of this.#steps) {
      if (each !== tag && !(isMultiple && each < tag)) continue;
      this.#steps.delete(each);
      if (isAck && this.#durableSteps.has(at)) {
        this.#world.promises.durable(this.#sent);
        // What came behind it in the burst may be in a later tick.
        if (at === this.#answers.length - stepsLast) this.#isDurable = true;
      }
      this.#methodAnswered(at, isAck ? taken : refused);
    }
  }

  #methodAnswered(at: number, answer: string | number | null): void {
    if (answer === null || this.#answers.length === 0) return;
    this.#answers[at] = answer;
    if (this.#answers.includes(undefined)) return;
    this.#answered(this.#answers as (string | number)[], this.#isDurable ? "durable" : "written");
  }

  // Other ways in

  #commit(): void {
    const { random } = this.#world;
    const client = this.#tx!;
    const bodies = Array.from({ length: random.between(1, batchMax) }, () => this.#newBody());
    const publishes = bodies.map(([number, body]): Publish => {
      const [exchange, key] = random.pick([
        ["", "main"],
        ["", "other"],
        ["bounds.c", "both"],
      ] as const);
      return { exchange, key, item: itemOf(number, body.length, body) };
    });
    const numbers = bodies.map(([number]) => number).join(" ");
    this.#begin({ what: `commit ${numbers}`, change: this.history.bounds.publishWhole(publishes, true) });
    this.#onTxLost = (why) => {
      this.#onTxLost = null;
      if (!this.#isUnderWay) return;
      if (why.includes("is full")) this.#answered([refused], "written");
      else this.#unanswered();
    };
    publishes.forEach(({ exchange, key }, i) => client.publish(key, bodies[i]![1], exchange));
    client.call(method(1, 90, 20), (payload) => {
      if (payload === null) return;
      this.#onTxLost = null;
      this.#world.count("transactions over bounded queues");
      this.#answered([taken], "durable");
    });
  }

  #xadd(): void {
    const { random } = this.#world;
    const [number, body] = this.#newBody();
    const level = this.#world.redisStreamsLevel;
    if (random.chance(0.5)) {
      const fields = ["body", body];
      const item = itemOf(number, entryBytes(fields), body);
      const change = this.history.bounds.publishWhole([{ exchange: "", key: "main", item }]);
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
    const change = this.history.bounds.publishWhole([{ exchange, key, item }]);
    const step = { what: `XADD ${number} to ${exchange} ${key}`, change };
    this.#call(step, ["XADD", exchange, "*", ...fields], exchange === "bounds.c" ? level : "written");
  }

  #publishLive(): void {
    const [number, body] = this.#newBody();
    const key = this.#world.random.pick(["main", "both"]);
    const change = this.history.bounds.publishUntold("amq.topic", key, itemOf(number, body.length, body));
    this.#call({ what: `PUBLISH ${number} ${key}`, change }, ["PUBLISH", key, body], "written");
  }

  /** The queues of which it is not known what is in them. */
  get #differing(): readonly QueueName[] {
    const { possible, bounds } = this.history;
    return queueNames.filter(
      (name) => new Set(possible.map((state) => bounds.look(name)(state)[1])).size > 1,
    );
  }

  /** At one of those, if there is one. */
  #look(): void {
    const { bounds } = this.history;
    const differing = this.#differing;
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
  #removeSeen(seen: readonly Seen[]): void {
    const { random } = this.#world;
    const { bounds } = this.history;
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
    this.#begin(step);
    this.#redis!.call(words, (reply: RedisReply, isLost) => {
      if (!this.#isUnderWay) return;
      if (isLost || isTemporary(reply)) return this.#unanswered();
      if (!(reply instanceof Error)) return this.#answered([read(reply)], level);
      if (reply.message.includes("is full")) return this.#answered([refused], "written");
      if (this.#world.isDamaged) return this.#unanswered();
      throw new Fault(`${this.name}: ${words[0]} answered ${reply.message}`);
    });
  }

  /** A batch to main or through an exchange; or to main by an idempotent producer, again until it is answered. */
  #produce(): void {
    const { random } = this.#world;
    if (this.#batch !== null || random.chance(0.4)) return this.#produceOnce();
    const isDirect = random.chance(0.5);
    const count = random.between(1, batchMax);
    if (isDirect) {
      const { publishes, bodies } = this.#directBatch(count);
      const change = this.history.bounds.publishWhole(publishes);
      return this.#request(
        "main",
        { what: `produce ${numbersOf(publishes)} to main`, change },
        this.#make(bodies),
      );
    }
    const keys = Array.from({ length: count }, () => random.pick(["main", "other", "both", "none"]));
    const exchange = random.pick(["bounds.a", "bounds.c"]);
    const made = keys.map((key) => {
      const [number, body] = this.#newBody();
      return { number, body, key, size: this.#make([body], [key]).length };
    });
    const publishes = made.map(({ number, body, key, size }): Publish => ({
      exchange,
      key,
      item: itemOf(number, size, body),
    }));
    const change = this.history.bounds.publishWhole(publishes);
    const records = this.#make(
      made.map(({ body }) => body),
      keys,
    );
    const what = `produce ${numbersOf(publishes)} to ${exchange} ${keys.join(" ")}`;
    this.#request(exchange, { what, change }, records);
  }

  /** Each of its records counts for an equal part of it, without a remainder. */
  #directBatch(count: number): { publishes: readonly Publish[]; bodies: readonly string[] } {
    const all = Array.from({ length: count }, () => this.#newBody());
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
    this.#batch ??= { id: this.#number + 1, ...this.#directBatch(this.#world.random.between(1, batchMax)) };
    const { id, publishes, bodies } = this.#batch;
    const change = this.history.bounds.publishOnce(id, publishes);
    const step = { what: `produce ${numbersOf(publishes)} once to main`, change };
    this.#request("main", step, this.#make(bodies), (errorCode) => {
      if (errorCode === 0) this.#producer!.sequence += bodies.length;
      if (errorCode === outOfOrderSequence) this.#producer = null;
      if (errorCode === 0 || errorCode === policyViolation || errorCode === outOfOrderSequence)
        this.#batch = null;
    });
  }

  #initialise(): void {
    this.#isUnderWay = true;
    const body = { transactionalId: null, transactionTimeoutMs: 60_000 };
    this.#kafka!.request("InitProducerId", 4, body, (answer) => {
      this.#isUnderWay = false;
      if (answer?.errorCode === 0)
        this.#producer = { id: answer.producerId, epoch: answer.producerEpoch, sequence: 0 };
    });
  }

  #request(topic: string, step: Step, records: Buffer, ended?: (errorCode: number) => void): void {
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    this.#begin(step);
    this.#kafka!.request("Produce", 9, { acks: -1, timeoutMs: 10_000, topicData }, (answer) => {
      if (!this.#isUnderWay) return;
      const errorCode = answer?.responses[0]?.partitionResponses[0]?.errorCode;
      if (errorCode !== undefined) ended?.(errorCode);
      if (errorCode === 0) return this.#answered([taken], this.#world.acksAllLevel);
      if (errorCode === policyViolation) return this.#answered([refused], "written");
      const isExpected =
        errorCode === undefined ||
        isRefusedForNow(this.#world, errorCode) ||
        (errorCode === outOfOrderSequence && this.#world.acksAllLevel === "written");
      if (!isExpected) throw new Fault(`${this.name}: Produce answered ${errorCode}`);
      this.#unanswered();
    });
  }

  // The end of the run

  /** Takes all that is there; then nothing must be left. */
  #drain(): void {
    if (this.#isDrained || this.#world.isDamaged) return;
    if (this.#held.length === 0 && this.#differing.length > 0) return this.#look();
    const client = this.#amqp!;
    const steps: Step[] = [];
    const sends: (() => void)[] = [];
    const add: Add = (step, send) => {
      const at = steps.push(step) - 1;
      sends.push(() => send(at));
    };
    if (!this.#isConsuming) this.#addConsume(client, add);
    while (this.#held.length > 0) this.#addSettlement(client, add, true);
    const left = this.history.possible.map(({ queues }) => queues);
    const queue = quiet.find((name) => left.some((queues) => queues[name].length > 0));
    if (queue !== undefined) this.#addGet(client, queue, add);
    for (const name of ["main", ...quiet] as const) this.#addCount(client, name, add);
    const isEmpty = left.every((queues) => Object.values(queues).every((items) => items.length === 0));
    this.#isDurable = false;
    this.#isDrained = isEmpty;
    this.#send(steps, sends);
  }
}

type Add = (step: Step, send: (at: number) => void) => void;

function itemOf(number: number, size: number, body: string): Item {
  return { number, size, bodySize: body.length, deaths: [], isHeld: false };
}

function numberOf(body: string): number {
  return Number.parseInt(body, 10);
}

function numbersOf(publishes: readonly Publish[]): string {
  return publishes.map(({ item }) => item.number).join(" ");
}

/** What an entry's fields take as it is stored. */
function entryBytes(fields: readonly string[]): number {
  const bulks = fields.map((field) => `$${field.length}\r\n${field}\r\n`);
  return `*${fields.length}\r\n${bulks.join("")}`.length;
}
