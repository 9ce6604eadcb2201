/**
 * Messages of one or several queues or streams, one after the other, by AMQP.
 *
 * Invariants: no more than `prefetch` messages of each source are here without having been taken (streams have no bound for all together); each is acknowledged when the next is asked for, so what
 * was not dealt with goes back to its queue.
 */
import type { FieldTable } from "../../../src/message/amqp/table.ts";
import type { CliFault } from "../fault.ts";
import type { AmqpAddress } from "./amqp-address.ts";
import { AmqpLink, type Message } from "./amqp-link.ts";

export interface Source {
  readonly queue: string;
  readonly args: FieldTable;
}

export interface SubscribeOptions {
  readonly prefetch: number;
  /** What is to be done before anything is consumed; resolves to more sources. */
  readonly prepare?: (link: AmqpLink) => Promise<readonly Source[]>;
}

export class Subscription {
  #link: AmqpLink | null = null;
  readonly #ready: Message[] = [];
  #fault: CliFault | null = null;
  #isStopped = false;
  #last: Message | null = null;
  #wake: () => void = () => {};

  static async open(
    address: AmqpAddress,
    sources: readonly Source[],
    { prefetch, prepare }: SubscribeOptions,
  ): Promise<Subscription> {
    const made = new Subscription();
    const link = await AmqpLink.open(address, {
      delivered: (message) => {
        made.#ready.push(message);
        made.#wake();
      },
      failed: (fault) => {
        made.#fault = fault;
        made.#wake();
      },
    });
    made.#link = link;
    await link.call("basic.qos", { prefetchSize: 0, prefetchCount: prefetch, global: false });
    const more = (await prepare?.(link)) ?? [];
    for (const { queue, args } of [...sources, ...more]) {
      await link.call("basic.consume", {
        ticket: 0,
        queue,
        consumerTag: "",
        noLocal: false,
        noAck: false,
        exclusive: false,
        noWait: false,
        arguments: args,
      });
    }
    return made;
  }

  /** The next message; null: none has come for so long, or it is stopped. `quietMs` null waits for ever. @throws CliFault */
  async next(quietMs: number | null): Promise<Message | null> {
    this.#settle();
    let isLate = false;
    const timer =
      quietMs === null
        ? undefined
        : setTimeout(() => {
            isLate = true;
            this.#wake();
          }, quietMs);
    while (this.#ready.length === 0 && this.#fault === null && !this.#isStopped && !isLate)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
    if (this.#isStopped) return null;
    const message = this.#ready.shift();
    if (message === undefined && this.#fault !== null) throw this.#fault;
    this.#last = message ?? null;
    return this.#last;
  }

  /** Ends the wait of `next`, now and later. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #settle(): void {
    if (this.#last === null || this.#fault !== null) return;
    this.#link!.send("basic.ack", { deliveryTag: this.#last.deliveryTag, multiple: false });
    this.#last = null;
  }

  /** What was taken is acknowledged; the rest goes back. */
  async close(): Promise<void> {
    this.#settle();
    await this.#link!.close();
  }
}
