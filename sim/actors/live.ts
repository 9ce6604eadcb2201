/**
 * A Redis subscriber, and whoever is heard by it: PUBLISH, and messages that reach amq.topic through another exchange, an
 * alternate one, or as dead letters. What was answered while it listened it has heard once, as long as its connection holds.
 */
import { AmqpClient, tableOf } from "../clients/amqp-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const channel = "live";
const unansweredMax = 8;
/** Stands for a subscriber where none surely listens. */
const nobody = 0;

/** Ways of a publish by AMQP: exchange and key. */
const ways = [
  ["amq.topic", channel],
  ["live.through", channel],
  ["live.instead", channel],
  ["", "live.dead"],
  ["", "live.dead twice"],
] as const;

/** Returns how many answers there will be. */
export function declareLive(client: AmqpClient, onAnswer: (payload: Buffer | null) => void): number {
  client.declareKept("live.through", "fanout", Buffer.alloc(0), onAnswer);
  client.bindExchange("amq.topic", "live.through", onAnswer);
  client.declareKept("live.instead", "direct", tableOf({ "alternate-exchange": "live.through" }), onAnswer);
  const gone = { "x-max-length": 0 };
  const toLive = { "x-dead-letter-exchange": "amq.topic", "x-dead-letter-routing-key": channel };
  const toDead = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "live.dead" };
  client.declare("live.dead", tableOf({ ...gone, ...toLive }), onAnswer);
  client.declare("live.dead twice", tableOf({ ...gone, ...toDead }), onAnswer);
  return 5;
}

export class LiveActor implements Actor {
  readonly name: string;
  readonly #world: World;
  #amqp: AmqpClient | null = null;
  #redis: RedisClient | null = null;
  #subscriber: RedisClient | null = null;
  /** Grows with each new subscriber. */
  #subscription = 0;
  #isSubscribed = false;
  #isAsking = false;
  #number = 0;
  readonly #heard = new Set<number>();
  /** Answered while this subscriber listened. */
  #expected = new Set<number>();
  /** By delivery tag: what was sent, and who listened then. */
  #unconfirmed = new Map<number, { number: number; subscription: number }>();
  #lastTag = 0;
  #hasAsked = true;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  get isIdle(): boolean {
    return this.#unconfirmed.size === 0 && !this.#isAsking && (this.#hasAsked || this.#world.isDamaged);
  }

  act(): void {
    if (this.#connect()) return;
    const { random, isDraining } = this.#world;
    if (!this.#isAsking && (isDraining ? !this.#hasAsked : random.chance(0.3))) this.#ask(this.#subscriber!);
    else if (isDraining || this.#unconfirmed.size >= unansweredMax) return;
    else if (random.chance(0.02)) this.#subscriber!.cut();
    else if (random.chance(0.7)) this.#publish(this.#amqp!);
    else this.#call(this.#redis!);
  }

  #connect(): boolean {
    const world = this.#world;
    if (this.#subscriber === null || this.#subscriber.isLost) this.#subscribe();
    else if (this.#redis === null || this.#redis.isLost) {
      const link = world.connect("redis");
      if (link !== null) this.#redis = new RedisClient(link);
    } else if (this.#amqp === null) this.#openAmqp();
    else return false;
    return true;
  }

  #subscribe(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    const subscription = ++this.#subscription;
    this.#isSubscribed = this.#isAsking = false;
    this.#expected = new Set();
    const client = new RedisClient(link, (message) => this.#hears(message));
    this.#subscriber = client;
    client.call(["SUBSCRIBE", channel], (_reply, isLost) => {
      if (!isLost && subscription === this.#subscription) this.#isSubscribed = true;
    });
  }

  #openAmqp(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    this.#lastTag = 0;
    const client = new AmqpClient(link, {
      confirmed: (tag, isMultiple) => {
        for (const [each, { number, subscription }] of this.#unconfirmed) {
          if (each !== tag && !(isMultiple && each < tag)) continue;
          this.#unconfirmed.delete(each);
          this.#answered(number, subscription);
        }
      },
      lost: () => {
        if (this.#amqp !== client) return;
        this.#amqp = null;
        this.#unconfirmed = new Map();
      },
    });
    this.#amqp = client;
    client.confirmSelect(() => {});
  }

  /** Who listens now, if anybody surely does. */
  get #listener(): number {
    return this.#isSubscribed && !this.#subscriber!.isLost ? this.#subscription : nobody;
  }

  #publish(client: AmqpClient): void {
    const [exchange, key] = this.#world.random.pick(ways);
    const number = ++this.#number;
    this.#world.note(`${this.name} publishes ${number} to ${exchange} ${key}`);
    this.#unconfirmed.set(++this.#lastTag, { number, subscription: this.#listener });
    client.publish(key, String(number), exchange);
  }

  #call(client: RedisClient): void {
    const number = ++this.#number;
    const subscription = this.#listener;
    const words = this.#world.random.chance(0.5)
      ? ["PUBLISH", channel, String(number)]
      : ["XADD", "live.through", "*", "routing_key", channel, "body", String(number)];
    this.#world.note(`${this.name}: ${words[0]} ${number}`);
    client.call(words, (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply instanceof Error) throw new Fault(`${this.name}: ${words[0]} answered ${reply.message}`);
      this.#answered(number, subscription);
    });
  }

  #answered(number: number, subscription: number): void {
    if (this.#heard.has(number) || subscription === nobody || subscription !== this.#listener) return;
    this.#expected.add(number);
    this.#hasAsked = false;
  }

  #hears(message: RedisReply): void {
    const number = Number((message as string[])[2]);
    this.#world.note(`${this.name} hears ${number}`);
    this.#world.count("live messages heard");
    if (!(number >= 1 && number <= this.#number))
      throw new Fault(`${this.name}: ${JSON.stringify(message)} was heard, which nobody sent`);
    if (this.#heard.has(number)) throw new Fault(`${this.name}: ${number} was heard twice`);
    this.#heard.add(number);
    this.#expected.delete(number);
  }

  /** With the answer all that was answered before has been heard. */
  #ask(client: RedisClient): void {
    const expected = [...this.#expected];
    this.#isAsking = true;
    this.#hasAsked = true;
    client.call(["PING"], (_reply, isLost) => {
      if (client !== this.#subscriber) return;
      this.#isAsking = false;
      if (isLost || this.#world.isDamaged) return;
      const lost = expected.find((number) => this.#expected.has(number));
      if (lost !== undefined) throw new Fault(`${this.name}: ${lost} was not heard by its subscriber`);
    });
  }
}
