/**
 * Admits connections: bounds on their number, over several listeners together and for each address, and a log of refusals.
 *
 * A connection that is not settled (it has not logged in, or is HTTP's) must not keep others out: if no place is left, the oldest
 * such connection is ended for the new one. If half of the places have unsettled connections of the new one's own address, the
 * oldest of these is ended. So one address alone cannot drive out others.
 *
 * Not here: sockets (bun.ts, node.ts), passwords (broker/access), when a connection is settled (its session says so). Invariant:
 * `inside` is the number of sockets that entered and have not left, and at most `max`; the same for each address. A socket in its
 * TLS handshake counts too.
 */
import { assertInvariant } from "../base/assert.ts";
import { plainHost } from "../base/addresses.ts";
import type { LogFields, Logger } from "../base/logger.ts";
import type { Timers } from "../base/clock.ts";
import { SparseLog } from "../base/sparse-log.ts";

export type Refusal = "connections-max" | "connections-per-address-max" | "evicted" | "tls";

export interface EntranceOptions {
  readonly max: number;
  /** The name of the limit in the log. */
  readonly maxName: string;
  /** 0 is no bound. */
  readonly perAddressMax: number;
  readonly logger: Logger;
  readonly timers: Timers;
}

/** The connections from one address. */
class Origin {
  readonly host: string;
  inside = 0;
  /** Longest first. */
  readonly unsettled = new Set<Guest>();

  constructor(host: string) {
    this.host = host;
  }
}

/** A socket that was admitted. */
export class Guest {
  readonly #entrance: Entrance;
  readonly origin: Origin;
  isInside = true;
  /** Ends the socket; its end leads to `leave`. */
  drop: () => void;

  constructor(entrance: Entrance, origin: Origin, drop: () => void) {
    this.#entrance = entrance;
    this.origin = origin;
    this.drop = drop;
  }

  /** A settled connection keeps its place. An unsettled one may have to give its place to others. */
  settle(isSettled: boolean): void {
    if (this.isInside) this.#entrance.settle(this, isSettled);
  }

  /** The socket is closed. */
  leave(): void {
    if (!this.isInside) return;
    this.isInside = false;
    this.#entrance.left(this);
  }
}

/** One for all client listeners, and another one for HTTP, so that a full broker can be inspected. */
export class Entrance {
  readonly max: number;
  readonly #perAddressMax: number;
  /** How many unsettled connections of one address are many. */
  readonly #unsettledMany: number;
  readonly #origins = new Map<string, Origin>();
  readonly #unsettled = new Set<Guest>();
  readonly #refusals: Record<Refusal, SparseLog>;
  #inside = 0;

  constructor({ max, maxName, perAddressMax, logger, timers }: EntranceOptions) {
    this.max = max;
    this.#perAddressMax = perAddressMax;
    this.#unsettledMany = max / 2;
    const warn = (message: string) => new SparseLog(timers, (fields) => logger.warn(message, fields));
    this.#refusals = {
      "connections-max": warn(`connections refused: as many are open as ${maxName} allows`),
      "connections-per-address-max": warn(
        "connections refused: as many are open from this address as --connections-per-address-max allows",
      ),
      evicted: warn("connections ended that had not logged in, so that others can come in"),
      tls: new SparseLog(timers, (fields) => logger.info("a TLS handshake failed", fields)),
    };
  }

  get inside(): number {
    return this.#inside;
  }

  /** How many addresses it knows: those of admitted sockets. */
  get originCount(): number {
    return this.#origins.size;
  }

  /**
   * Admits a socket, for `leave` to follow, or returns the reason for a refusal. `evicted` is called for a socket that had to go.
   */
  enter(remoteHost: string, drop: () => void, evicted: (remoteHost: string) => void): Guest | Refusal {
    const host = plainHost(remoteHost);
    const origin = this.#origins.get(host) ?? new Origin(host);
    if (this.#perAddressMax > 0 && origin.inside >= this.#perAddressMax) return "connections-per-address-max";
    if (this.#inside >= this.max) {
      const isMany = origin.unsettled.size >= this.#unsettledMany;
      const [oldest] = isMany ? origin.unsettled : this.#unsettled;
      if (oldest === undefined) return "connections-max";
      oldest.leave();
      evicted(oldest.origin.host);
      oldest.drop();
    }
    const guest = new Guest(this, origin, drop);
    this.#inside++;
    origin.inside++;
    this.#origins.set(host, origin);
    assertInvariant(this.#inside <= this.max, "no more sockets are inside than may be");
    this.settle(guest, false);
    return guest;
  }

  /** For `Guest` alone. */
  settle(guest: Guest, isSettled: boolean): void {
    const { unsettled } = guest.origin;
    unsettled.delete(guest);
    this.#unsettled.delete(guest);
    if (isSettled) return;
    unsettled.add(guest);
    this.#unsettled.add(guest);
  }

  /** For `Guest` alone. */
  left(guest: Guest): void {
    const { origin } = guest;
    origin.unsettled.delete(guest);
    this.#unsettled.delete(guest);
    this.#inside--;
    assertInvariant(this.#inside >= 0 && origin.inside > 0, "nobody leaves who is not inside");
    if (--origin.inside === 0) this.#origins.delete(origin.host);
  }

  logRefusal(refusal: Refusal, fields: LogFields): void {
    this.#refusals[refusal].add(fields);
  }
}
