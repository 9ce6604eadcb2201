/**
 * The consumers of a connection that could not get a record because its output had no room.
 *
 * Not here: when there is room (session.ts). Invariant: consumers that got nothing from the last room come first, so none starves
 * beside others that always have records.
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

  /** There is room again. */
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
