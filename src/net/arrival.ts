/**
 * A socket from its accept to its end, on either runtime: its place among the connections, and its connection once there is
 * one. A runtime's listener says what happens to the socket; what that means is said here.
 *
 * Not here: TLS handshakes (handshakes.ts), bytes (bun.ts, node.ts).
 * Invariant: an arrival that is let in leaves once; there is a connection only while the socket has its place.
 */
import type { NetConnection, Transport } from "./connection.ts";
import type { Guest } from "./entrance.ts";
import type { Door } from "./listen.ts";

export class Arrival {
  readonly #door: Door;
  readonly guest: Guest;
  #connection: NetConnection | null = null;

  private constructor(door: Door, guest: Guest) {
    this.#door = door;
    this.guest = guest;
  }

  /** Null: it may not stay. `drop` ends the socket for another one. */
  static enter(door: Door, remoteHost: string, drop: () => void): Arrival | null {
    const guest = door.enter(remoteHost, drop);
    return guest === null ? null : new Arrival(door, guest);
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /** The session begins: at once, or after the handshake. */
  connect(transport: Transport): void {
    this.#connection = this.#door.accept(transport, this.guest);
  }

  received(bytes: Buffer): void {
    this.#connection?.received(bytes);
  }

  drained(): void {
    this.#connection?.drained();
  }

  peerEnded(): void {
    this.#connection?.peerEnded();
  }

  broke(): void {
    this.#connection?.destroy();
  }

  /** Nothing comes any more. */
  closed(): void {
    this.#connection?.closed();
  }

  /** The system's socket is gone, and its place is free. */
  left(): void {
    this.guest.leave();
  }
}
