/**
 * Who may come in: bounds on connections, of several listeners together and for each address, and a log of who was not
 * let in.
 *
 * Not here: sockets (bun.ts, node.ts), passwords (broker/access).
 * Invariant: `inside` is the number of sockets that entered and have not left, and at most `max`; the same for each
 * address. A socket that is still in its TLS handshake is inside.
 */
import { plainHost } from "../base/addresses.ts";
import type { LogFields, Logger } from "../base/logger.ts";
import type { Timers } from "../base/clock.ts";
import { SparseLog } from "../base/sparse-log.ts";

export type Refusal = "connections-max" | "connections-per-address-max" | "tls";

export interface EntranceOptions {
  readonly max: number;
  /** What it is called in the log. */
  readonly maxName: string;
  /** 0 is no bound. */
  readonly perAddressMax: number;
  readonly logger: Logger;
  readonly timers: Timers;
}

/** One for all listeners of clients, and one for HTTP: who looks after a full broker must get in. */
export class Entrance {
  readonly max: number;
  readonly #perAddressMax: number;
  readonly #byAddress = new Map<string, number>();
  readonly #refusals: Record<Refusal, SparseLog>;
  #inside = 0;

  constructor({ max, maxName, perAddressMax, logger, timers }: EntranceOptions) {
    this.max = max;
    this.#perAddressMax = perAddressMax;
    const warn = (message: string) => new SparseLog(timers, (fields) => logger.warn(message, fields));
    this.#refusals = {
      "connections-max": warn(`connections refused: as many are open as ${maxName} allows`),
      "connections-per-address-max": warn(
        "connections refused: as many are open from this address as --connections-per-address-max allows",
      ),
      tls: new SparseLog(timers, (fields) => logger.info("a TLS handshake failed", fields)),
    };
  }

  get inside(): number {
    return this.#inside;
  }

  /** Whether a socket from there may stay: null, and then `leave` must follow; or why not. */
  enter(remoteHost: string): Refusal | null {
    if (this.#inside >= this.max) return "connections-max";
    if (this.#perAddressMax > 0) {
      const host = plainHost(remoteHost);
      const count = this.#byAddress.get(host) ?? 0;
      if (count >= this.#perAddressMax) return "connections-per-address-max";
      this.#byAddress.set(host, count + 1);
    }
    this.#inside++;
    return null;
  }

  leave(remoteHost: string): void {
    this.#inside--;
    if (this.#perAddressMax === 0) return;
    const host = plainHost(remoteHost);
    const count = this.#byAddress.get(host)!;
    if (count === 1) this.#byAddress.delete(host);
    else this.#byAddress.set(host, count - 1);
  }

  logRefusal(refusal: Refusal, fields: LogFields): void {
    this.#refusals[refusal].add(fields);
  }
}
