/** Makes the stations of exchanges: one for each exchange that keeps messages. */
import type { Broker } from "../../broker.ts";
import { DelayedExchange, DelayedMessages } from "./delayed-messages.ts";
import { RecentHistory } from "./recent-history.ts";
import type { Station, StationKind, StationOf, Stations } from "./station.ts";

export class ExchangeStations implements Stations {
  readonly #broker: Broker;
  readonly #delayed: DelayedMessages;

  /** The journal has been replayed. */
  constructor(broker: Broker) {
    this.#broker = broker;
    this.#delayed = new DelayedMessages(broker);
  }

  make(kind: StationKind, of: StationOf): Station {
    return kind === "history" ? new RecentHistory(this.#broker, of) : new DelayedExchange(this.#delayed, of);
  }
}
