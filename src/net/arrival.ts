/**
 * A socket from its accept to its end, on either runtime: its place among the connections, and its connection once there is
 * one. A runtime's listener says what happens to the socket; what that means is said here.
 *
 * Not here: TLS handshakes (handshakes.ts), bytes (bun.ts, node.ts).
 * Invariant: an arrival that is let in leaves once; there is a connection only while the socket has its place.
 */
import type { SocketOwner, Transport, TransportUser } from "./connection.ts";
import type { Guest } from "./entrance.ts";
import type { Door } from "./listen.ts";

export class Arrival implements SocketOwner {
  readonly #door: Door;
  guest: Guest;
  /** The connection, or its successor after an upgrade; null before there is one. */
  #user: TransportUser | null = null;

  private constructor(door: Door, guest: Guest) {
    this.#door = door;
    this.guest = guest;
  }

  /** Null: it is refused. `drop` ends the socket to make room for another. */
  static enter(door: Door, remoteHost: string, drop: () => void): Arrival | null {
    const guest = door.enter(remoteHost, drop);
    return guest === null ? null : new Arrival(door, guest);
  }

  get isConnected(): boolean {
    return this.#user !== null;
  }

  /** The session begins: at once, or after the handshake. */
  connect(transport: Transport): void {
    const connection = this.#door.accept(transport, this.guest);
    this.#user = connection;
    connection.owner = this;
  }

  standOn(user: TransportUser, guest: Guest): void {
    this.guest.leave();
    this.guest = guest;
    this.#user = user;
  }

  received(bytes: Buffer): void {
    this.#user?.received(bytes);
  }

  drained(): void {
    this.#user?.drained();
  }

  peerEnded(): void {
    this.#user?.peerEnded();
  }

  broke(): void {
    this.#user?.broke();
  }

  /** No more input comes. */
  closed(): void {
    this.#user?.closed();
  }

  /** The system's socket is closed, and its place is free. */
  left(): void {
    this.guest.leave();
  }
}
