/**
 * How many commands and bytes came and went, in all and for each second, for INFO.
 *
 * Nothing runs while nobody looks: a rate is that of the time since the look before, of at least a tenth of a second. Invariant: a
 * connection is counted while it is open, and once when it has ended.
 */
import type { Clock } from "../../../base/clock.ts";
import type { Connection } from "../../contract.ts";

const looksApartMs = 100;

interface Counted {
  readonly commandsProcessed: number;
  readonly sessions: ReadonlyMap<number, { readonly connection: Connection }>;
}

export interface TrafficRates {
  /** For each second. */
  commands: number;
  bytesIn: number;
  bytesOut: number;
  totalIn: number;
  totalOut: number;
}

export class Traffic {
  readonly #counted: Counted;
  readonly #clock: Clock;
  /** Of connections that have ended. */
  #bytesIn = 0;
  #bytesOut = 0;
  #lookedAt: number;
  #commandsThen = 0;
  #inThen = 0;
  #outThen = 0;
  readonly #rates: TrafficRates = { commands: 0, bytesIn: 0, bytesOut: 0, totalIn: 0, totalOut: 0 };

  constructor(counted: Counted, clock: Clock) {
    this.#counted = counted;
    this.#clock = clock;
    this.#lookedAt = clock.monotonic();
  }

  ended({ bytesReceived, bytesSent }: Connection): void {
    this.#bytesIn += bytesReceived;
    this.#bytesOut += bytesSent;
  }

  look(): TrafficRates {
    const rates = this.#rates;
    rates.totalIn = this.#bytesIn;
    rates.totalOut = this.#bytesOut;
    for (const { connection } of this.#counted.sessions.values()) {
      rates.totalIn += connection.bytesReceived;
      rates.totalOut += connection.bytesSent;
    }
    const now = this.#clock.monotonic();
    const seconds = (now - this.#lookedAt) / 1000;
    if (seconds * 1000 < looksApartMs) return rates;
    const { commandsProcessed } = this.#counted;
    rates.commands = Math.max(commandsProcessed - this.#commandsThen, 0) / seconds;
    rates.bytesIn = (rates.totalIn - this.#inThen) / seconds;
    rates.bytesOut = (rates.totalOut - this.#outThen) / seconds;
    this.#lookedAt = now;
    this.#commandsThen = commandsProcessed;
    this.#inThen = rates.totalIn;
    this.#outThen = rates.totalOut;
    return rates;
  }
}
