/**
 * The TLS handshakes in progress at one listener: their deadline, what ends them, and counts of failures.
 *
 * Not here: the cryptography, which each runtime does in its own way (bun-tls.ts, node-tls.ts). Invariants: each handshake ends
 * once, successfully or not; no socket of a failed handshake stays.
 */
import { limits } from "../base/limits.ts";
import type { Arrival } from "./arrival.ts";
import type { Door } from "./listen.ts";

export class Handshake {
  readonly arrival: Arrival;
  readonly #all: Handshakes;
  readonly #remoteHost: string;
  readonly #deadline: ReturnType<typeof setTimeout>;
  /** Ends the socket, which may now be reachable only by its decrypted object. */
  readonly #drop: () => void;

  constructor(all: Handshakes, arrival: Arrival, remoteHost: string, drop: () => void) {
    this.arrival = arrival;
    this.#all = all;
    this.#remoteHost = remoteHost;
    this.#drop = drop;
    const expire = (): void => this.fail(`not done within ${limits.tlsHandshakeMsMax} ms`);
    this.#deadline = setTimeout(expire, limits.tlsHandshakeMsMax);
    this.#deadline.unref();
    arrival.guest.drop = () => this.drop();
  }

  /** It has succeeded; false if it had failed before. */
  end(): boolean {
    clearTimeout(this.#deadline);
    return this.#all.open.delete(this);
  }

  fail(reason: string): void {
    if (!this.end()) return;
    this.#all.door.handshakeFailed(this.#remoteHost, reason);
    this.#drop();
  }

  /** Ends it without counting a failure. */
  drop(): void {
    if (this.end()) this.#drop();
  }
}

export class Handshakes {
  readonly door: Door;
  /** For `Handshake` alone. */
  readonly open = new Set<Handshake>();

  constructor(door: Door) {
    this.door = door;
  }

  begin(arrival: Arrival, remoteHost: string, drop: () => void): Handshake {
    const handshake = new Handshake(this, arrival, remoteHost, drop);
    this.open.add(handshake);
    return handshake;
  }

  /** The listener closes. */
  dropAll(): void {
    for (const handshake of this.open) handshake.drop();
  }
}
