/**
 * A stream with `delay-allowed` that an AMQP and an idempotent Kafka producer fill with messages that are to arrive later, some of which are
 * cancelled as the management API does it; over kills, restarts and clocks that are set.
 */
import { BrokerError } from "../../src/base/errors.ts";
import { finishNow } from "../../src/base/turn-work.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { cancelWaiting, type Listed, listing, parseWaitId } from "../../src/broker/schedule/listing.ts";
import { AmqpView } from "../../src/message/convert/as-amqp.ts";
import type { StoredRecord } from "../../src/message/record.ts";
import { AmqpClient, tableOf } from "../clients/amqp-client.ts";
import { makeBatch } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import { type Later, LaterEntries } from "../models/later-entries.ts";
import type { Actor, World } from "../world.ts";
import { isRefusedForNow, mayBeLostBefore } from "./producer.ts";
import { isTemporary } from "./stream-writer.ts";

const delayMsMax = 800;
/** What a stream does not take is tried again after a second. */
const againMs = 1500;
const stepMs = 400;
const listedMax = 1000;
const outOfOrderSequence = 45;
const declaredAs = { "x-queue-type": "stream", "x-delay-allowed": true } as const;

interface Sent {
  readonly later: Later;
  readonly headers: Readonly<Record<string, string>>;
}

interface Batch {
  readonly records: readonly Sent[];
  readonly firstSequence: number;
}

export class DelayedActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #model: LaterEntries;
  #amqp: AmqpClient | null = null;
  #unconfirmed: Later[] = [];
  #sent = 0;
  #kafka: KafkaClient | null = null;
  #producer: { readonly id: number; readonly epoch: number } | null = null;
  #nextSequence = 0;
  /** Sent and not answered: it is sent again. */
  #batch: Batch | null = null;
  #redis: RedisClient | null = null;
  /** The stream is declared, so that the others may use it. */
  #isDeclared = false;
  #isAmqpWaiting = false;
  #isKafkaWaiting = false;
  #isLooking = false;
  #number = 0;
  #endsAt = 0;
  #isChecked = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#model = new LaterEntries(name, world.promises);
    world.laterEntries.push(this.#model);
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  act(): void {
    const { random, isDraining } = this.#world;
    const client = this.#amqp;
    if (client === null || client.isLost) return this.#connectAmqp();
    if (!this.#isDeclared) return;
    if (isDraining) return this.#finish();
    const choice = random.next();
    if (choice < 0.35) this.#publish(client);
    else if (choice < 0.65) this.#produce();
    else if (choice < 0.8) this.#cancel();
    else this.#look();
  }

  #connectAmqp(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    let firstTag = 1;
    const client = new AmqpClient(link, {
      confirmed: (tag, isMultiple) => {
        if (client !== this.#amqp) return;
        const count = isMultiple ? tag - firstTag + 1 : 1;
        firstTag += count;
        this.#confirmed(count);
      },
      lost: () => {
        if (client === this.#amqp) this.#isAmqpWaiting = false;
      },
    });
    this.#amqp = client;
    this.#unconfirmed = [];
    this.#isAmqpWaiting = true;
    client.confirmSelect(() => {});
    client.declare(this.name, tableOf(declaredAs), (answer) => {
      if (answer === null || client !== this.#amqp) return;
      this.#isAmqpWaiting = false;
      this.#isDeclared = true;
    });
  }

  /** A message that is to arrive at once, after a while, or at a time. */
  #newMessage(): Sent {
    const { random, time } = this.#world;
    const delay = random.chance(0.2) ? 0 : random.between(1, delayMsMax);
    const due = time.now() + delay;
    const later = this.#model.sent(`${this.name}/${this.#number++}`, due);
    if (delay === 0) return { later, headers: {} };
    const headers = random.chance(0.5) ? { "x-delay": String(delay) } : { "x-deliver-at": String(due) };
    return { later, headers };
  }

  #publish(client: AmqpClient): void {
    if (this.#isAmqpWaiting) return;
    this.#isAmqpWaiting = true;
    this.#sent = this.#world.promises.number();
    for (let left = this.#world.random.between(1, 4); left > 0; left--) {
      const { later, headers } = this.#newMessage();
      this.#unconfirmed.push(later);
      client.publish(this.name, later.body, "", { headers: tableOf(headers) });
    }
  }

  #confirmed(count: number): void {
    for (const later of this.#unconfirmed.splice(0, count)) {
      this.#world.count("delayed messages confirmed by AMQP");
      this.#model.told(later, "", "durable");
    }
    if (this.#unconfirmed.length > 0) return;
    this.#isAmqpWaiting = false;
    this.#world.promises.durable(this.#sent);
  }

  #produce(): void {
    const client = this.#kafka;
    if (client === null || client.isLost) {
      const link = this.#world.connect("kafka");
      this.#kafka = link === null ? null : new KafkaClient(link);
      this.#isKafkaWaiting = false;
      return;
    }
    if (this.#isKafkaWaiting) return;
    this.#isKafkaWaiting = true;
    if (this.#producer === null) return this.#initialise(client);
    const { promises, time, random } = this.#world;
    if (this.#batch === null) {
      const records = Array.from({ length: random.between(1, 4) }, () => this.#newMessage());
      this.#batch = { records, firstSequence: this.#nextSequence };
      this.#nextSequence += records.length;
    }
    const { records, firstSequence } = this.#batch;
    const bytes = makeBatch({
      values: records.map(({ later }) => later.body),
      headersOf: records.map(({ headers }) => headers),
      timestamp: time.now(),
      producerId: this.#producer.id,
      producerEpoch: this.#producer.epoch,
      baseSequence: firstSequence,
    });
    const topicData = [{ name: this.name, partitionData: [{ index: 0, records: bytes }] }];
    const sent = promises.number();
    client.request("Produce", 9, { acks: -1, timeoutMs: 10_000, topicData }, (body) => {
      this.#isKafkaWaiting = false;
      if (body !== null) this.#produced(body.responses[0]!.partitionResponses[0]!.errorCode, sent);
    });
  }

  #initialise(client: KafkaClient): void {
    client.request("InitProducerId", 4, { transactionalId: null, transactionTimeoutMs: 60_000 }, (body) => {
      this.#isKafkaWaiting = false;
      if (body === null || body.errorCode !== 0) return;
      this.#producer = { id: body.producerId, epoch: body.producerEpoch };
      this.#nextSequence = 0;
      this.#batch = null;
    });
  }

  #produced(errorCode: number, sent: number): void {
    const world = this.#world;
    if (errorCode === outOfOrderSequence && mayBeLostBefore(world)) {
      this.#producer = null;
      return;
    }
    if (errorCode !== 0) {
      if (isRefusedForNow(world, errorCode)) return;
      throw new Fault(`${this.name}: producing answered ${errorCode}`);
    }
    for (const { later } of this.#batch!.records) {
      world.count("delayed messages produced by Kafka");
      this.#model.told(later, "", world.acksAllLevel);
    }
    this.#batch = null;
    if (world.acksAllLevel === "durable") world.promises.durable(sent);
  }

  #redisClient(): RedisClient | null {
    if (this.#redis !== null && !this.#redis.isLost) return this.#redis;
    const link = this.#world.connect("redis");
    this.#isLooking = false;
    this.#redis = link === null ? null : new RedisClient(link);
    return this.#redis;
  }

  /** What waits now, as the management API lists it; null while the broker is down. */
  #listed(): readonly { readonly id: string; readonly body: string }[] | null {
    const { broker } = this.#world.process;
    if (broker === null) return null;
    const messages = this.#pageOf(broker);
    if (messages === null) return null;
    const listed = messages.map(({ id, content }) => {
      if (typeof content !== "string") throw new Fault(`${this.name}: ${id} waits, and cannot be read`);
      return { id, body: content };
    });
    const bodies = listed.map(({ body }) => body);
    this.#model.foundWaiting(bodies, this.#world.promises.number());
    return listed;
  }

  /** Null: the disk cannot be read now. */
  #pageOf(broker: Broker): readonly Listed<string>[] | null {
    const view = new AmqpView();
    const read = (record: StoredRecord): { content: string; bytes: number } => {
      const { buffer, bodyStart, bodyEnd } = view.show(record);
      return { content: buffer.utf8Slice(bodyStart, bodyEnd), bytes: 0 };
    };
    const wanted = { from: null, messagesMax: listedMax, bytesMax: Infinity, read };
    try {
      return finishNow(listing(broker, "/", this.name, wanted)).messages;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return null;
    }
  }

  /** Null: the disk cannot be read now. */
  #isCancelled(broker: Broker, id: string): boolean | null {
    try {
      return cancelWaiting(broker, "/", this.name, parseWaitId(id)!);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return null;
    }
  }

  #cancel(): void {
    const client = this.#redisClient();
    const { process, random, time } = this.#world;
    if (client === null || this.#isLooking) return;
    const messages = this.#listed();
    if (messages === null || messages.length === 0) return;
    const { id, body } = random.pick(messages);
    const later = this.#model.find(body)!;
    later.isCancelAsked = true;
    const isCancelled = this.#isCancelled(process.broker!, id);
    if (isCancelled === null) return;
    if (!isCancelled) throw new Fault(`${this.name}: ${later.body} is listed, and cannot be cancelled`);
    this.#world.note(`${this.name}: ${later.body} is cancelled at ${time.now()}`);
    process.broker!.ticker.request();
    // An answer of the same tick says that it is written.
    client.call(["XLEN", this.name], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      this.#world.count("delayed messages cancelled");
      this.#model.cancelled(later, true);
    });
  }

  #look(onWaiting: (count: number) => void = () => {}): void {
    const client = this.#redisClient();
    if (client === null || this.#isLooking) return;
    const { promises, time } = this.#world;
    const asked = promises.number();
    this.#isLooking = true;
    client.call(["XRANGE", this.name, "-", "+"], (reply, isLost) => {
      this.#isLooking = false;
      if (isLost || isTemporary(reply) || reply instanceof Error) return;
      const bodies = bodiesOf(reply);
      this.#world.note(`${this.name}: XRANGE answers ${bodies.join(" ")} at ${time.now()}`);
      this.#world.count("looks at a stream with delayed messages");
      this.#model.found(bodies, asked, time.now());
      const messages = this.#listed();
      if (messages !== null) onWaiting(messages.length);
    });
  }

  #finish(): void {
    const { time, isDraining } = this.#world;
    // A batch that was not answered is sent again, so that it is known to be there once.
    if (isDraining && this.#batch !== null) return this.#produce();
    if (this.#isAmqpWaiting || this.#isKafkaWaiting) return;
    if (this.#endsAt === 0) this.#endsAt = this.#model.lastDue + againMs;
    if (time.now() < this.#endsAt) return time.advance(stepMs);
    this.#look((waiting) => {
      if (waiting > 0) this.#endsAt = time.now() + againMs;
      else this.#checkLast();
    });
  }

  #checkLast(): void {
    this.#look(() => {
      if (this.#isChecked) return;
      this.#model.checkEnd();
      this.#isChecked = true;
    });
  }
}

/** The field `body` of each entry. */
function bodiesOf(reply: RedisReply): string[] {
  return (reply as [string, string[]][]).map(([, fields]) => fields[fields.indexOf("body") + 1]!);
}
