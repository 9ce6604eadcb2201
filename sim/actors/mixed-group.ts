/**
 * A group of a stream with a consumer of Redis and one of AMQP: entries are acknowledged, given up, requeued, or held when a connection ends,
 * and end acknowledged or as dead letters. A power failure begins a new stream.
 */
import { AmqpClient, type Delivery } from "../clients/amqp-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { type Crash, Fault } from "../model.ts";
import { backoffMs, backoffMsMax, deliveriesMax, RetriedGroup } from "../models/retried-group.ts";
import type { Actor, World } from "../world.ts";
import { bodiesOf } from "./later.ts";
import { isTemporary } from "./stream-writer.ts";

const stepMs = 30;
const prefetch = 3;
const unsettledMax = 40;

export class MixedGroupActor implements Actor {
  readonly name: string;
  readonly #world: World;
  #model!: RetriedGroup;
  #stream = "";
  #generation = 0;
  #redis: RedisClient | null = null;
  #amqp: AmqpClient | null = null;
  #isSetUp = false;
  #number = 0;
  #acked = 0;
  /** By body: the id of what the consumer of Redis holds. */
  readonly #ids = new Map<string, string>();
  /** What the consumer of AMQP holds. */
  #tags: { body: string; tag: number }[] = [];
  /** Rejected, and not known to have been heard. */
  #unsure = new Set<string>();
  #jumps = 0;
  #isChecked = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#beginAnew();
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  #crashed(crash: Crash): void {
    if (crash === "power") this.#beginAnew();
  }

  #beginAnew(): void {
    this.#stream = `${this.name}:${++this.#generation}`;
    this.#model = new RetriedGroup(this.#stream, () => this.#hasBeenRefused);
    this.#number = this.#acked = 0;
    this.#ids.clear();
    this.#tags = [];
    this.#unsure.clear();
    this.#isSetUp = false;
    this.#redis?.cut();
    this.#amqp?.cut();
    this.#amqp = null;
  }

  /** The disk may have taken no more at some time. */
  get #hasBeenRefused(): boolean {
    const { counts, disk } = this.#world;
    const ways = ["disks full or free again", "disks filled by others or given back"];
    return disk.refusedWrites > 0 || ways.some((way) => counts[way] !== undefined);
  }

  act(): void {
    const { random, isDraining } = this.#world;
    this.#model.isDamaged = this.#world.isDamaged;
    this.#followClock();
    const redis = this.#redis;
    if (redis === null || redis.isLost) return this.#connectRedis();
    if (redis.waiting > 0) return;
    if (!this.#isSetUp) return this.#setUp(redis);
    const amqp = this.#amqp;
    if (amqp === null || amqp.isLost) return this.#connectAmqp();
    if (amqp.waiting > 0) return;
    if (isDraining) return this.#finish(redis, amqp);
    const choice = random.next();
    if (choice < 0.02) amqp.cut();
    else if (choice < 0.03) redis.cut();
    else if (choice < 0.3) this.#add(redis);
    else if (choice < 0.45) this.#read(redis);
    else if (choice < 0.5) this.#lookAtDead(redis, () => {});
    else if (this.#tags.length > 0 && random.chance(0.6)) this.#settleAmqp(amqp);
    else this.#settleRedis(redis);
  }

  #followClock(): void {
    const jumps = this.#world.counts["clock jumps"] ?? 0;
    if (jumps !== this.#jumps) this.#model.clockJumps();
    this.#jumps = jumps;
  }

  #connectRedis(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#isSetUp = false;
    this.#ids.clear();
    this.#redis = new RedisClient(link);
  }

  /** Calls, and takes answers only that belong to the stream that there is now. */
  #call(
    client: RedisClient,
    words: readonly (string | number)[],
    onReply: (reply: RedisReply) => void,
    onLost: () => void = () => {},
  ): void {
    const generation = this.#generation;
    client.call(words, (reply, isLost) => {
      if (generation !== this.#generation) return;
      this.#followClock();
      this.#world.note(
        `${this.name}: ${words.join(" ")} is answered ${isLost ? "not" : JSON.stringify(reply)}`,
      );
      if (isLost) return onLost();
      if (isTemporary(reply)) {
        // What was read in part may have been delivered.
        if (words[0] === "XREADGROUP") this.#model.answerLost();
        return words[0] === "XADD" ? onReply(reply) : undefined;
      }
      onReply(reply);
    });
  }

  /** What its consumer held before is read again. */
  #setUp(client: RedisClient): void {
    this.#call(client, ["XGROUP", "CREATE", this.#stream, "g", "0", "MKSTREAM"], (reply) => {
      if (reply !== "OK" && !String(reply).includes("BUSYGROUP"))
        throw new Fault(`${this.name}: XGROUP answered ${String(reply)}`);
      const retry = ["BACKOFF", backoffMs, "FACTOR", 2, "MAX", backoffMsMax];
      const words = ["MAXDELIVER", deliveriesMax, ...retry, "DEADLETTER", `${this.#stream}.d`];
      this.#call(client, ["TROIKA.GROUP", this.#stream, "g", ...words], (answer) => {
        if (answer !== "OK") throw new Fault(`${this.name}: TROIKA.GROUP answered ${String(answer)}`);
        this.#readFrom(client, "0", () => {
          this.#isSetUp = true;
        });
      });
    });
  }

  #connectAmqp(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    const client = new AmqpClient(link, {
      delivered: (delivery) => {
        if (client === this.#amqp) this.#pushed(delivery);
      },
      lost: () => {
        if (client === this.#amqp) this.#amqpLost();
      },
    });
    this.#amqp = client;
    client.qos(prefetch, () => {});
    client.consumeGroup(this.#stream, "g", () => {});
  }

  #pushed({ body, tag, isRedelivered }: Delivery): void {
    this.#followClock();
    this.#world.count("entries pushed to members of a group");
    this.#world.note(`${this.name}: ${body} is pushed as ${tag}${isRedelivered ? ", again" : ""}`);
    this.#model.delivered(body, true, this.#world.time.now());
    this.#tags.push({ body, tag });
  }

  #amqpLost(): void {
    this.#amqp = null;
    // It may have been sent what it has not seen.
    this.#model.answerLost();
    for (const body of this.#unsure) this.#model.givenUpUnsurely(body);
    this.#unsure.clear();
    this.#tags = [];
  }

  #add(client: RedisClient): void {
    if (this.#number - this.#acked > unsettledMax) return this.#settleRedis(client);
    const body = `${this.#stream}/${this.#number++}`;
    this.#model.sent(body);
    this.#call(client, ["XADD", this.#stream, "*", "body", body], (reply) => {
      if (isTemporary(reply)) return this.#model.refused(body);
      if (typeof reply !== "string") throw new Fault(`${this.name}: XADD answered ${String(reply)}`);
      this.#model.told(body);
    });
  }

  #read(client: RedisClient, onRead: (count: number) => void = () => {}): void {
    this.#readFrom(client, ">", onRead);
  }

  #readFrom(client: RedisClient, from: ">" | "0", onRead: (count: number) => void): void {
    const words = ["XREADGROUP", "GROUP", "g", "c", "COUNT", from === "0" ? 1000 : 2, "STREAMS"];
    const model = this.#model;
    this.#call(
      client,
      [...words, this.#stream, from],
      (reply) => {
        const entries = reply === null ? [] : bodiesOf((reply as RedisReply[][])[0]![1]!);
        for (const [id, body] of entries) {
          model.delivered(body, from === ">", this.#world.time.now());
          this.#ids.set(body, id);
        }
        onRead(entries.length);
      },
      () => model.answerLost(),
    );
  }

  #settleRedis(client: RedisClient): void {
    const { random, time } = this.#world;
    const held = [...this.#ids];
    if (held.length === 0) return this.#read(client);
    const [body, id] = random.pick(held);
    this.#ids.delete(body);
    this.#acked++;
    if (random.chance(0.3)) {
      this.#model.ackAsked(body);
      this.#call(client, ["XACK", this.#stream, "g", id], (reply) =>
        this.#model.acked(body, reply as number),
      );
      return;
    }
    const sentAt = time.now();
    const jumps = this.#jumps;
    this.#model.givenUp(body, sentAt);
    const words = ["TROIKA.NACK", this.#stream, "g", id];
    const isUnsure = (): void => this.#model.givenUpUnsurely(body);
    this.#call(
      client,
      words,
      (reply) => {
        if (reply !== 1 || jumps !== this.#jumps) isUnsure();
        else this.#world.count("entries given up");
      },
      isUnsure,
    );
  }

  #settleAmqp(client: AmqpClient): void {
    const { random, time } = this.#world;
    const { body, tag } = this.#tags.splice(random.below(this.#tags.length), 1)[0]!;
    const generation = this.#generation;
    const choice = random.next();
    this.#world.note(`${this.name}: ${body} is settled by AMQP as ${tag}: ${choice}`);
    if (choice < 0.3) {
      this.#acked++;
      this.#model.ackAsked(body);
      client.ack(tag);
      // Nobody claims it, so it was acknowledged if this is answered.
      client.qos(prefetch, (answer) => {
        if (answer !== null && generation === this.#generation) this.#model.acked(body, 1);
      });
      return;
    }
    if (choice < 0.5) client.requeue(tag);
    else {
      this.#unsure.add(body);
      this.#model.givenUp(body, time.now());
      this.#world.count("entries rejected by members of a group");
      client.reject(tag);
    }
    client.qos(prefetch, (answer) => {
      if (answer !== null && generation === this.#generation) this.#unsure.delete(body);
    });
  }

  #lookAtDead(client: RedisClient, onLooked: () => void): void {
    this.#call(client, ["XRANGE", `${this.#stream}.d`, "-", "+"], (reply) => {
      const letters = (reply as [string, string[]][]).map(
        ([, fields]) => [fields[1]!, Number(fields[fields.indexOf("troika.deliveries") + 1])] as const,
      );
      for (let i = 0; i < letters.length; i++) this.#world.count("dead letters of groups looked at");
      this.#model.foundDead(letters);
      onLooked();
    });
  }

  /** Everything is given up or acknowledged, until nothing is left. */
  #finish(redis: RedisClient, amqp: AmqpClient): void {
    if (this.#tags.length > 0) return this.#settleAmqp(amqp);
    if (this.#ids.size > 0) return this.#settleRedis(redis);
    this.#call(redis, ["XPENDING", this.#stream, "g"], (reply) => {
      const pending = (reply as RedisReply[])[0] as number;
      this.#read(redis, (count) => {
        if (count > 0) return;
        if (pending > 0) {
          this.#world.time.advance(stepMs);
          // What could not be settled, or was read and did not come, while the disk failed is its consumer's still.
          this.#readFrom(redis, "0", () => {});
          return;
        }
        this.#lookAtDead(redis, () => {
          this.#model.checkEnd();
          this.#isChecked = true;
        });
      });
    });
  }
}
