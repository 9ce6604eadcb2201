/**
 * AMQP with manual acknowledgements: some messages are acknowledged, some are given back. An acknowledgement has no answer,
 * so the client asks for something else now and then: with that answer, all before it was taken.
 */
import { AmqpClient, type Delivery } from "../clients/amqp-client.ts";
import { Fault, type QueueModel, splitBody } from "../model.ts";
import type { Actor, World } from "../world.ts";

const prefetchMax = 20;

export class ConsumerActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #queue: QueueModel;
  /** Each producer's messages come in its order. */
  readonly #isOrdered: boolean;
  #client: AmqpClient | null = null;
  #held: Delivery[] = [];
  /** Acknowledged, and nothing answered since. */
  #settling: string[] = [];
  /** The highest sequence of each producer among first deliveries on this connection. */
  #last = new Map<string, number>();
  #isFencing = false;

  constructor(world: World, name: string, queue: QueueModel, isOrdered = true) {
    this.#world = world;
    this.name = name;
    this.#queue = queue;
    this.#isOrdered = isOrdered;
  }

  get isIdle(): boolean {
    return this.#client !== null && this.#held.length === 0 && this.#settling.length === 0;
  }

  act(): void {
    const { random } = this.#world;
    const client = this.#client;
    if (client === null) return this.#connect();
    if (this.#held.length > 0 && random.chance(0.7)) this.#settle(client);
    else if (this.#settling.length > 0 && !this.#isFencing) this.#fence(client);
    else if (!this.#world.isDraining && random.chance(0.02)) client.cut();
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    this.#held = [];
    this.#settling = [];
    this.#last = new Map();
    this.#isFencing = false;
    const client = new AmqpClient(link, {
      delivered: (delivery) => this.#delivered(delivery),
      lost: () => {
        if (this.#client === client) this.#client = null;
      },
    });
    this.#client = client;
    client.qos(1 + this.#world.random.below(prefetchMax), () => {});
    client.consume(this.#queue.name, () => {});
    this.#world.note(`${this.name} consumes ${this.#queue.name}`);
  }

  #delivered(delivery: Delivery): void {
    const { body, isRedelivered } = delivery;
    this.#queue.delivered(body, this.name);
    this.#world.count("deliveries");
    this.#world.note(`${this.name} gets ${body.slice(0, 20).trim()} of ${this.#queue.name}`);
    if (this.#isOrdered && !isRedelivered) {
      const [producer, sequence] = splitBody(body);
      if (sequence <= (this.#last.get(producer) ?? -1))
        throw new Fault(`${this.name}: ${body.trim()} came after ${producer}/${this.#last.get(producer)}`);
      this.#last.set(producer, sequence);
    }
    this.#held.push(delivery);
  }

  #settle(client: AmqpClient): void {
    const { random, isDraining } = this.#world;
    const [{ tag, body }] = this.#held.splice(random.below(this.#held.length), 1) as [Delivery];
    if (!isDraining && random.chance(0.15)) {
      this.#world.note(`${this.name} gives back ${body.slice(0, 20).trim()}`);
      client.requeue(tag);
      return;
    }
    this.#world.note(`${this.name} acknowledges ${body.slice(0, 20).trim()}`);
    client.ack(tag);
    this.#settling.push(body);
  }

  #fence(client: AmqpClient): void {
    const settled = this.#settling;
    this.#settling = [];
    this.#isFencing = true;
    client.qos(1 + this.#world.random.below(prefetchMax), (answer) => {
      this.#isFencing = false;
      if (answer === null) return;
      for (const body of settled) this.#queue.settled(body);
      this.#world.count("acknowledgements known");
    });
  }
}
