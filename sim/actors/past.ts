/**
 * Channels that keep their messages: a subscriber that goes and comes back asks for what it missed (TROIKA.SUBSCRIBE ... FROM id), and
 * hears everything once, in order. A power failure begins new channels.
 */
import { AmqpClient } from "../clients/amqp-client.ts";
import { RedisClient } from "../clients/redis-client.ts";
import { type Crash, Fault, splitBody } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const publishingMax = 30;
const publishedAtOnceMax = 8;

class Channel {
  readonly name: string;
  /** The id of the last message that was heard; 0: from the beginning. */
  last = "0";
  isSubscribed = false;
  isAsking = false;
  readonly sent = new Set<string>();
  readonly heard = new Set<string>();
  /** Answered, and kept. */
  readonly kept = new Set<string>();
  /** Of these what was not heard yet. */
  readonly expected = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Somebody new, who wants to hear everything. */
  beginAgain(): void {
    this.last = "0";
    this.heard.clear();
    for (const body of this.kept) this.expected.add(body);
  }
}

export class PastActor implements Actor {
  readonly name: string;
  readonly #world: World;
  #channels: Channel[] = [];
  #generation = 0;
  #subscriber: RedisClient | null = null;
  #publisher: RedisClient | null = null;
  #amqp: AmqpClient | null = null;
  #producer = "";
  #amqpProducer = "";
  #sequence = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#beginAnew();
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    if (this.#world.isDamaged) return true;
    return (
      (this.#publisher === null || this.#publisher.waiting === 0) &&
      this.#channels.every(({ expected }) => expected.size === 0)
    );
  }

  #crashed(crash: Crash): void {
    if (crash === "power") this.#beginAnew();
  }

  #beginAnew(): void {
    this.#generation++;
    this.#channels = ["a", "b"].map((end) => new Channel(`past.${this.name}.${this.#generation}.${end}`));
    this.#subscriber?.cut();
  }

  act(): void {
    const { random, isDraining } = this.#world;
    if (this.#publisher === null || this.#publisher.isLost) {
      const link = this.#world.connect("redis");
      if (link === null) return;
      this.#producer = this.#world.newProducer();
      this.#publisher = new RedisClient(link);
      return;
    }
    const silent = this.#channels.find(({ isSubscribed, isAsking }) => !isSubscribed && !isAsking);
    if (this.#subscriber === null || this.#subscriber.isLost) return this.#connect();
    if (silent !== undefined && (isDraining || random.chance(0.3))) this.#subscribe(silent);
    else if (isDraining) return;
    else if (random.chance(0.04)) this.#subscriber.cut();
    else if (random.chance(0.05)) this.#unsubscribe(random.pick(this.#channels));
    else if (random.chance(0.2)) this.#publishByAmqp();
    else if (this.#publisher.waiting < publishingMax)
      for (let i = random.between(1, publishedAtOnceMax); i > 0; i--) this.#publish(this.#publisher);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    for (const channel of this.#channels) {
      channel.isSubscribed = channel.isAsking = false;
      if (this.#world.random.chance(0.3)) channel.beginAgain();
    }
    const subscriber = new RedisClient(link, (message) => {
      if (subscriber === this.#subscriber) this.#hears(message as (string | undefined)[]);
    });
    this.#subscriber = subscriber;
  }

  #subscribe(channel: Channel): void {
    const subscriber = this.#subscriber!;
    channel.isAsking = true;
    const words = ["TROIKA.SUBSCRIBE", channel.name, "FROM", channel.last, "WITHID"];
    this.#world.note(`${this.name}: ${words.join(" ")}`);
    subscriber.call(words, (reply, isLost) => {
      if (subscriber !== this.#subscriber) return;
      channel.isAsking = false;
      if (isLost) return;
      if (reply instanceof Error && isTemporary(reply)) return;
      if (!Array.isArray(reply)) throw new Fault(`${this.name}: TROIKA.SUBSCRIBE answered ${String(reply)}`);
      channel.isSubscribed = true;
    });
  }

  #unsubscribe(channel: Channel): void {
    if (!channel.isSubscribed || channel.isAsking) return;
    const subscriber = this.#subscriber!;
    channel.isAsking = true;
    subscriber.call(["UNSUBSCRIBE", channel.name], (_reply, isLost) => {
      if (isLost || subscriber !== this.#subscriber) return;
      channel.isAsking = channel.isSubscribed = false;
    });
  }

  #publish(client: RedisClient): void {
    const channel = this.#world.random.pick(this.#channels);
    const body = `${this.#producer}/${this.#sequence++}`;
    channel.sent.add(body);
    const state = this.#diskState;
    this.#world.note(`${this.name}: PUBLISH ${channel.name} ${body}`);
    client.call(["PUBLISH", channel.name, body], (reply, isLost) => {
      // While the disk takes nothing a message is not kept.
      if (isLost || typeof reply !== "number" || state === null || state !== this.#diskState) return;
      this.#world.count("messages published that are kept");
      channel.kept.add(body);
      if (!channel.heard.has(body)) channel.expected.add(body);
    });
  }

  /** Another text where the disk may have taken nothing in between; null: it may take nothing now. */
  get #diskState(): string | null {
    const { process, disk, counts } = this.#world;
    const isFailing = process.broker === null || process.broker.storage.failure !== null;
    if (isFailing || disk.isFilled || disk.fullness > 0) return null;
    const ways = ["disks full or free again", "disks filled by others or given back"];
    return [disk.refusedWrites, ...ways.map((way) => counts[way] ?? 0)].join(" ");
  }

  #publishByAmqp(): void {
    if (this.#amqp === null) {
      const link = this.#world.connect("amqp");
      if (link === null) return;
      this.#amqpProducer = this.#world.newProducer();
      const client: AmqpClient = new AmqpClient(link, {
        lost: () => {
          if (this.#amqp === client) this.#amqp = null;
        },
      });
      this.#amqp = client;
      return;
    }
    const channel = this.#world.random.pick(this.#channels);
    const body = `${this.#amqpProducer}/${this.#sequence++}`;
    channel.sent.add(body);
    this.#amqp.publish(channel.name, body, "amq.topic");
  }

  #hears([, name, body, id]: (string | undefined)[]): void {
    const channel = this.#channels.find((each) => each.name === name);
    if (channel === undefined) return;
    this.#world.note(`${this.name} hears ${name} ${body} ${id}`);
    this.#world.count("messages heard that are kept");
    if (this.#world.isDamaged) {
      channel.last = id ?? channel.last;
      return;
    }
    if (!channel.sent.has(body!)) throw new Fault(`${this.name}: "${body}" was heard, which nobody sent`);
    if (channel.heard.has(body!)) throw new Fault(`${this.name}: ${body} was heard twice`);
    if (id !== undefined && isBefore(id, channel.last))
      throw new Fault(`${this.name}: ${body} has ${id}, after ${channel.last}`);
    const [producer, sequence] = splitBody(body!);
    for (const each of channel.expected) {
      const [other, number] = splitBody(each);
      if (other === producer && number < sequence)
        throw new Fault(`${this.name}: ${body} was heard, and ${each}, which was published before, was not`);
    }
    channel.heard.add(body!);
    channel.expected.delete(body!);
    // Without one it is not kept: the disk took nothing.
    channel.last = id ?? channel.last;
  }
}

function isBefore(id: string, other: string): boolean {
  const [ms, number] = id.split("-").map(BigInt);
  const [otherMs, otherNumber = -1n] = other.split("-").map(BigInt);
  return ms! < otherMs! || (ms === otherMs && number! <= otherNumber);
}
