/**
 * AMQP with confirms: persistent messages to queues and streams. What is confirmed is durable.
 *
 * Each connection is a producer of its own, since nothing is sent again: whoever has no confirm knows nothing.
 */
import { AmqpClient } from "../clients/amqp-client.ts";
import { Fault, type Level } from "../model.ts";
import type { Actor, World } from "../world.ts";

const unconfirmedMax = 30;
const paddingMax = 6000;

/** A queue or a stream, or the key of an exchange. */
export interface Target {
  readonly exchange?: string;
  readonly name: string;
  sent(body: string): void;
  told(body: string, level: Level): void;
}

interface Outstanding {
  readonly target: Target;
  readonly body: string;
  readonly sent: number;
}

export class PublisherActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #targets: readonly Target[];
  #client: AmqpClient | null = null;
  #producer = "";
  #sequence = 0;
  /** By delivery tag; a tag that is not there has been answered. */
  #outstanding = new Map<number, Outstanding>();
  #lastTag = 0;

  constructor(world: World, name: string, targets: readonly Target[]) {
    this.#world = world;
    this.name = name;
    this.#targets = targets;
  }

  get isIdle(): boolean {
    return this.#client === null || (this.#outstanding.size === 0 && this.#client.waiting === 0);
  }

  act(): void {
    const world = this.#world;
    if (this.#client === null) return this.#connect();
    if (world.isDraining || this.#outstanding.size >= unconfirmedMax) return;
    for (let more = world.random.between(1, 5); more > 0 && this.#client !== null; more--) this.#publish();
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null || this.#world.isDraining) return;
    this.#producer = this.#world.newProducer();
    this.#sequence = 0;
    this.#lastTag = 0;
    this.#outstanding = new Map();
    this.#client = new AmqpClient(link, {
      confirmed: (tag, isMultiple, isAck) => this.#confirmed(tag, isMultiple, isAck),
      lost: () => {
        this.#client = null;
        this.#outstanding = new Map();
      },
    });
    this.#client.confirmSelect(() => {});
  }

  #publish(): void {
    const { random, promises } = this.#world;
    const target = random.pick(this.#targets);
    const padding = random.chance(0.1) ? "x".repeat(random.below(paddingMax)) : "";
    const body = `${this.#producer}/${this.#sequence++} ${padding}`;
    target.sent(body);
    this.#outstanding.set(++this.#lastTag, { target, body, sent: promises.number() });
    this.#world.note(`${this.name} publishes ${body.trim().slice(0, 20)} to ${target.name}`);
    this.#client!.publish(target.name, body, target.exchange);
  }

  #confirmed(tag: number, isMultiple: boolean, isAck: boolean): void {
    if (!this.#outstanding.has(tag))
      throw new Fault(`${this.name}: tag ${tag} was confirmed, which waits for nothing`);
    for (const [each, { target, body, sent }] of this.#outstanding) {
      if (each !== tag && !(isMultiple && each < tag)) continue;
      this.#outstanding.delete(each);
      if (!isAck) continue;
      this.#world.count("publishes confirmed");
      this.#world.note(`${this.name}: ${body.slice(0, 20).trim()} is confirmed`);
      target.told(body, "durable");
      this.#world.promises.durable(sent);
    }
  }
}
