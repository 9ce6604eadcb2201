/** Persistent messages with confirms into a durable queue, with nothing that limits how many are unconfirmed. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Arrivals, body } from "../base/sequences.ts";
import { until } from "../base/waiting.ts";
import { AmqpClient } from "../clients/amqp.ts";
import type { Publisher } from "./publisher.ts";

const bodyBytes = 4000;
const together = 50;

export class AmqpPublisher implements Publisher {
  readonly protocol = "amqp";
  readonly acknowledged = new Arrivals();
  sentBytes = 0;
  readonly #id: number;
  readonly #queue: string;
  #client!: AmqpClient;
  #isStopping = false;
  /** All up to this one are confirmed. */
  #confirmedUpTo = 0;

  constructor(id: number) {
    this.#id = id;
    this.#queue = `load.amqp.${id}`;
  }

  async open(ports: { amqp: number }): Promise<void> {
    this.#client = await AmqpClient.open(ports.amqp);
    await this.#client.declare(this.#queue);
    await this.#client.selectConfirms();
    this.#client.onConfirm = (tag, isMultiple) => {
      if (!isMultiple) return this.acknowledged.add(tag - 1);
      while (this.#confirmedUpTo < tag) {
        const sequence = this.#confirmedUpTo++;
        if (!this.acknowledged.has(sequence)) this.acknowledged.add(sequence);
      }
    };
  }

  async send(): Promise<void> {
    const client = this.#client;
    for (let sequence = 0; !this.#isStopping && !client.isClosed;) {
      for (let i = 0; i < together; i++) client.publish(this.#queue, body(this.#id, sequence++, bodyBytes));
      this.sentBytes += together * bodyBytes;
      await client.drained();
      await nextTurn();
    }
    client.close();
  }

  stop(): void {
    this.#isStopping = true;
  }

  async readAll(ports: { amqp: number }): Promise<Arrivals> {
    const came = new Arrivals();
    const client = await AmqpClient.open(ports.amqp);
    const messages = await client.declare(this.#queue, { isPassive: true });
    client.onDelivery = (bytes) => came.take(bytes);
    await client.consume(this.#queue, { isAcked: false });
    await until(`all messages of ${this.#queue}`, () => came.total >= messages);
    client.close();
    return came;
  }
}
