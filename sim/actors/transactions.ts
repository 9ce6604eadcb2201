/**
 * AMQP transactions over two queues: after a commit both have the message, and without one both or neither.
 *
 * Some publish to the second through an exchange that is deleted before the commit, which must not tear it in two.
 */
import { method } from "../../test/support/amqp-frames.ts";
import { AmqpClient } from "../clients/amqp-client.ts";
import type { QueueModel } from "../model.ts";
import type { Actor, World } from "../world.ts";

export type Together = readonly (readonly [queue: QueueModel, body: string])[];

export class TransactionActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #queues: readonly QueueModel[];
  /** What each transaction published. */
  readonly transactions: Together[] = [];
  #client: AmqpClient | null = null;
  #producer = "";
  #sequence = 0;
  #isWaiting = false;

  constructor(world: World, name: string, queues: readonly QueueModel[]) {
    this.#world = world;
    this.name = name;
    this.#queues = queues;
  }

  get isIdle(): boolean {
    return this.#client === null || !this.#isWaiting;
  }

  act(): void {
    if (this.#client === null) this.#connect();
    else if (!this.#isWaiting && !this.#world.isDraining) this.#publish(this.#client);
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null || this.#world.isDraining) return;
    this.#producer = this.#world.newProducer();
    this.#sequence = 0;
    this.#isWaiting = false;
    this.#client = new AmqpClient(link, { lost: () => (this.#client = null) });
    this.#client.call(method(1, 90, 10), () => {});
  }

  #publish(client: AmqpClient): void {
    const { random, promises } = this.#world;
    const sent = promises.number();
    const passing = random.chance(0.3) ? `passing-${this.name}` : "";
    if (passing !== "") this.#bindAll(client, passing);
    const together = this.#queues.map((queue, i) => {
      const body = `${this.#producer}/${this.#sequence++}`;
      queue.sent(body);
      client.publish(queue.name, body, i === 0 ? "" : passing);
      return [queue, body] as const;
    });
    if (passing !== "") client.deleteExchange(passing, () => {});
    this.#isWaiting = true;
    if (random.chance(0.2)) {
      client.call(method(1, 90, 30), () => (this.#isWaiting = false));
      this.transactions.push(together);
      return;
    }
    this.transactions.push(together);
    client.call(method(1, 90, 20), (answer) => {
      this.#isWaiting = false;
      if (answer === null) return;
      this.#world.count("transactions committed");
      if (passing !== "") this.#world.count("transactions committed after their exchange was gone");
      for (const [queue, body] of together) queue.told(body);
      promises.durable(sent);
    });
  }

  #bindAll(client: AmqpClient, exchange: string): void {
    client.declareExchange(exchange, () => {});
    for (const queue of this.#queues) client.bind(queue.name, exchange, () => {});
  }
}
