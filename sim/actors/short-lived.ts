/**
 * A queue that is deleted and made again, with messages that expire: none of a deleted queue may come back in the next one of
 * its name, and none may come after its time.
 */
import { shortText, uint } from "../../test/support/amqp-frames.ts";
import { AmqpClient } from "../clients/amqp-client.ts";
import { type Crash, Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";

const queue = "short-lived";
const ttlMs = 400;
/** From when the broker is due to know that a message is over: ticks take no time here. */
const slackMs = 1;

const inner = Buffer.concat([shortText("x-message-ttl"), Buffer.from("I"), uint(4, ttlMs)]);

export class ShortLivedActor implements Actor {
  readonly name: string;
  readonly #world: World;
  #client: AmqpClient | null = null;
  /** Of the queue that is there now, as far as is known; bodies are `generation/number`. */
  #generation = 1;
  #number = 0;
  #deleted: { generation: number; told: number } = { generation: 0, told: 0 };
  /** When each message was surely in the queue, by the monotonic clock. */
  readonly #confirmedAt = new Map<string, number>();
  #unconfirmed: string[] = [];
  #isWaiting = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  get isIdle(): boolean {
    return this.#client === null || !this.#isWaiting;
  }

  crashed(crash: Crash): void {
    if (!this.#world.promises.survives(this.#deleted.told, "written", crash)) this.#deleted.generation = 0;
  }

  act(): void {
    const client = this.#client;
    if (client === null) return this.#connect();
    if (this.#isWaiting || this.#world.isDraining) return;
    const choice = this.#world.random.next();
    if (choice < 0.5) this.#publish(client);
    else if (choice < 0.92) this.#get(client);
    else this.#delete(client);
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null || this.#world.isDraining) return;
    this.#unconfirmed = [];
    this.#isWaiting = false;
    const client = new AmqpClient(link, {
      confirmed: () => this.#confirmed(),
      lost: () => {
        if (this.#client === client) this.#client = null;
      },
    });
    this.#client = client;
    client.confirmSelect(() => {});
    this.#declare(client);
  }

  #declare(client: AmqpClient): void {
    this.#isWaiting = true;
    client.declare(queue, inner, () => (this.#isWaiting = false));
  }

  /** Nothing else is under way: the confirm is of all that is unconfirmed. */
  #confirmed(): void {
    for (const body of this.#unconfirmed.splice(0)) this.#confirmedAt.set(body, this.#world.time.monotonic());
    this.#isWaiting = false;
  }

  #publish(client: AmqpClient): void {
    const body = `${this.#generation}/${this.#number++}`;
    this.#unconfirmed.push(body);
    this.#isWaiting = true;
    client.publish(queue, body);
  }

  #get(client: AmqpClient): void {
    const askedAt = this.#world.time.monotonic();
    this.#isWaiting = true;
    client.get(queue, (delivery) => {
      this.#isWaiting = false;
      if (delivery === null) return;
      this.#world.count("short-lived messages taken");
      const { body } = delivery;
      if (Number(body.split("/")[0]) <= this.#deleted.generation && !this.#world.isDamaged)
        throw new Fault(`${this.name}: ${body} came from a queue that was deleted`);
      const overAt = (this.#confirmedAt.get(body) ?? Infinity) + ttlMs + slackMs;
      // Who sets the clock back makes messages younger.
      if (askedAt > overAt && this.#world.counts["clock jumps"] === undefined)
        throw new Fault(`${this.name}: ${body} came ${askedAt - overAt} ms after its time`);
    });
  }

  #delete(client: AmqpClient): void {
    const generation = this.#generation++;
    this.#isWaiting = true;
    client.deleteQueue(queue, (answer) => {
      if (answer === null) return;
      this.#world.count("queues deleted");
      this.#deleted = { generation, told: this.#world.promises.number() };
      this.#declare(client);
    });
  }
}
