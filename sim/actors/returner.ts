/**
 * A consumer that gives back all it gets: each message goes out as often as `x-delivery-limit` allows, and then to where
 * dead letters go.
 */
import { AmqpClient, type Delivery } from "../clients/amqp-client.ts";
import { Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";

const prefetchMax = 6;

export class ReturnerActor implements Actor {
  readonly name: string;
  readonly isIdle = true;
  readonly #world: World;
  readonly #queue: string;
  readonly #limit: number;
  #client: AmqpClient | null = null;
  #held: Delivery[] = [];
  readonly #counts = new Map<string, number>();

  constructor(world: World, name: string, queue: string, limit: number) {
    this.#world = world;
    this.name = name;
    this.#queue = queue;
    this.#limit = limit;
  }

  act(): void {
    const { random } = this.#world;
    if (this.#client === null) this.#connect();
    else if (this.#held.length > 0) {
      const [{ tag, body }] = this.#held.splice(random.below(this.#held.length), 1) as [Delivery];
      this.#world.note(`${this.name} gives back ${body.trim()}`);
      this.#client.requeue(tag);
    } else if (random.chance(0.01)) this.#client.cut();
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    this.#held = [];
    const client = new AmqpClient(link, {
      delivered: (delivery) => this.#delivered(delivery),
      lost: () => {
        if (this.#client === client) this.#client = null;
      },
    });
    this.#client = client;
    client.qos(1 + this.#world.random.below(prefetchMax), () => {});
    client.consume(this.#queue, () => {});
  }

  #delivered(delivery: Delivery): void {
    const { counts, isDamaged } = this.#world;
    const body = delivery.body.trim();
    const count = (this.#counts.get(body) ?? 0) + 1;
    this.#counts.set(body, count);
    this.#world.note(`${this.name} gets ${body}${delivery.isRedelivered ? " again" : ""}`);
    this.#held.push(delivery);
    // A process that dies forgets who held what, and a power failure what was given back lately.
    const { "crashes by kill": kills = 0, "crashes by power": failures = 0 } = counts;
    const countMax = (this.#limit + 1) * (failures + 1) + kills;
    if (count > countMax && !isDamaged)
      throw new Fault(`${this.name}: ${body} came ${count} times, ${this.#limit} returns are allowed`);
    this.#world.count("deliveries given back");
  }
}
