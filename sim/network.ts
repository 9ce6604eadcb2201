/**
 * A TCP connection between a client of the run and a real `NetConnection`: bytes arrive later, in other pieces than they
 * were sent in, and not at all once it is cut.
 *
 * Invariants: each side gets the other's bytes in order and without a gap; a piece given to the server is overwritten
 * right afterwards, so that whoever kept a view of it is found out.
 */
import type { NetConnection, Transport } from "../src/net/connection.ts";
import type { Address } from "../src/base/connection.ts";
import type { Seeded } from "./seeded.ts";

/** What the system buffers of the server's output. */
const socketBytes = 16 << 10;
const poison = 0xdb;

export interface LinkEnd {
  received(bytes: Buffer): void;
  /** Nothing more comes, and nothing that was sent may still arrive. */
  closed(): void;
}

export class SimLink implements Transport {
  readonly local: Address = { host: "sim", port: 1 };
  readonly remote: Address = { host: "client", port: 2 };
  connection!: NetConnection;
  client: LinkEnd | null = null;
  isClosed = false;
  readonly #random: Seeded;
  #toServer: Buffer = Buffer.alloc(0);
  #toClient: Buffer = Buffer.alloc(0);
  #isPaused = false;
  #isEnding = false;
  #wantsDrain = false;

  constructor(random: Seeded) {
    this.#random = random;
  }

  // The server's side

  write(bytes: Buffer, start: number, end: number): number {
    if (this.isClosed) return 0;
    const taken = Math.min(end - start, Math.max(socketBytes - this.#toClient.length, 0));
    this.#toClient = Buffer.concat([this.#toClient, bytes.subarray(start, start + taken)]);
    if (taken < end - start) this.#wantsDrain = true;
    return taken;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  end(): void {
    this.#isEnding = true;
  }

  destroy(): void {
    this.#close();
  }

  // The client's side

  send(bytes: Uint8Array): void {
    if (!this.isClosed) this.#toServer = Buffer.concat([this.#toServer, bytes]);
  }

  /** Whether a step of this link would do something. */
  get isBusy(): boolean {
    return !this.isClosed && (this.#canReachServer || this.#canReachClient);
  }

  get #canReachServer(): boolean {
    return this.#toServer.length > 0 && !this.#isPaused && !this.#isEnding;
  }

  get #canReachClient(): boolean {
    return this.#toClient.length > 0 || this.#isEnding || this.#wantsDrain;
  }

  /** Some bytes arrive, on one side or the other. */
  step(): void {
    if (this.#canReachServer && (!this.#canReachClient || this.#random.chance(0.5))) this.#arriveAtServer();
    else if (this.#canReachClient) this.#arriveAtClient();
  }

  #arriveAtServer(): void {
    const size = this.#pieceOf(this.#toServer.length);
    const piece = Buffer.from(this.#toServer.subarray(0, size));
    this.#toServer = this.#toServer.subarray(size);
    this.connection.received(piece);
    piece.fill(poison);
  }

  #arriveAtClient(): void {
    const size = this.#pieceOf(this.#toClient.length);
    const piece = this.#toClient.subarray(0, size);
    this.#toClient = this.#toClient.subarray(size);
    if (size > 0) this.client?.received(piece);
    if (this.isClosed) return;
    if (this.#wantsDrain && this.#toClient.length < socketBytes / 2) {
      this.#wantsDrain = false;
      this.connection.drained();
    } else if (this.#isEnding && this.#toClient.length === 0) this.#close();
  }

  /** Mostly all of it; else any part, one byte at the least. */
  #pieceOf(length: number): number {
    return length < 2 || this.#random.chance(0.6) ? length : 1 + this.#random.below(length);
  }

  /** The connection breaks; what is under way is lost. */
  cut(): void {
    this.#close();
  }

  /** The server's process is gone: it hears nothing of it. */
  serverDied(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.client?.closed();
  }

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.closed();
    this.client?.closed();
  }
}
