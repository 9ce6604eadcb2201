/** Makes the stations of exchanges, one for each exchange that keeps messages, and keeps dead letters that no queue takes. */
import type { Broker } from "../../broker.ts";
import { DelayedExchange, DelayedMessages } from "./delayed-messages.ts";
import { RecentHistory } from "./recent-history.ts";
import type { QueuePlace, Station, StationKind, StationOf, Stations } from "./station.ts";
import { UndeliveredLetters } from "./undelivered-letters.ts";

export class ExchangeStations implements Stations {
  readonly #broker: Broker;
  readonly #delayed: DelayedMessages;
  readonly #undelivered: UndeliveredLetters;

  /** The journal has been replayed. */
  constructor(broker: Broker) {
    this.#broker = broker;
    this.#delayed = new DelayedMessages(broker);
    this.#undelivered = new UndeliveredLetters(broker);
  }

  hasDeadLetters(queue: QueuePlace): boolean {
    return this.#undelivered.has(queue);
  }

  deadLettersOf(queue: QueuePlace): number {
    return this.#undelivered.countOf(queue);
  }

  deadLetterBytesOf(queue: QueuePlace): number {
    return this.#undelivered.bytesOf(queue);
  }

  keepDeadLetter(queue: QueuePlace, record: Buffer, size: number): void {
    this.#undelivered.keep(queue, record, size);
  }

  make(kind: StationKind, of: StationOf): Station {
    return kind === "history" ? new RecentHistory(this.#broker, of) : new DelayedExchange(this.#delayed, of);
  }
}
