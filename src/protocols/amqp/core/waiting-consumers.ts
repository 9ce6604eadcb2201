/**
 * The consumers of a connection that could have been given a record, had its output room.
 *
 * Not here: when there is room (session.ts). Invariant: those that had none of the last room come first, so that nobody
 * starves beside others which always have something.
 */
import type { ChannelConsumer } from "../channel/channel.ts";

export class WaitingConsumers {
  #hadNone: ChannelConsumer[] = [];
  #hadSome: ChannelConsumer[] = [];

  add(consumer: ChannelConsumer): void {
    if (consumer.awaitsRoom) return;
    consumer.awaitsRoom = true;
    (consumer.hadRoom ? this.#hadSome : this.#hadNone).push(consumer);
    consumer.hadRoom = false;
  }

  /** There is room. */
  wake(): void {
    const waiting = [...this.#hadNone, ...this.#hadSome];
    this.#hadNone = [];
    this.#hadSome = [];
    for (const consumer of waiting) {
      consumer.awaitsRoom = false;
      consumer.mayTakeAgain();
    }
  }
}
