/**
 * Node's sockets: `write` keeps the bytes, so they are copied. It would keep any amount; so bytes are passed in pieces until it
 * asks for a pause, and what a peer does not read stays in the connection's output, which is bounded.
 */
import net from "node:net";
import { TLSSocket } from "node:tls";
import type { Address } from "../base/connection.ts";
import { Arrival } from "./arrival.ts";
import type { Transport } from "./connection.ts";
import type { Door, Listener } from "./listen.ts";

const pieceBytesMax = 256 << 10;

class NodeTransport implements Transport {
  readonly #socket: net.Socket;
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted: boolean;

  constructor(socket: net.Socket, isEncrypted: boolean) {
    this.#socket = socket;
    this.local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    this.isEncrypted = isEncrypted;
  }

  peerCertificate(): Uint8Array | null {
    const socket = this.#socket;
    return socket instanceof TLSSocket && socket.authorized
      ? (socket.getPeerX509Certificate()?.raw ?? null)
      : null;
  }

  write(bytes: Buffer, start: number, end: number): number {
    const socket = this.#socket;
    let at = start;
    while (at < end && !socket.writableNeedDrain) {
      const pieceEnd = Math.min(end, at + pieceBytesMax);
      socket.write(Buffer.from(bytes.subarray(at, pieceEnd)));
      at = pieceEnd;
    }
    return at - start;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Makes a connection from a socket that was admitted and, with TLS, is past its handshake. */
export function connectNode(arrival: Arrival, socket: net.Socket, isEncrypted: boolean): void {
  arrival.connect(new NodeTransport(socket, isEncrypted));
  socket.on("data", (bytes: Buffer) => arrival.received(bytes));
  socket.on("drain", () => arrival.drained());
  socket.on("close", () => arrival.closed());
  socket.on("error", () => arrival.broke());
  socket.on("end", () => arrival.peerEnded());
}

/** What happens to admitted sockets, and the message to refused ones. */
interface Reception {
  readonly onEntered: (socket: net.Socket, arrival: Arrival) => void;
  readonly refusal: string | undefined;
}

export function listenNode(
  host: string,
  port: number,
  door: Door,
  { onEntered, refusal }: Reception = {
    onEntered: (socket, arrival) => connectNode(arrival, socket, false),
    refusal: door.refusal,
  },
): Promise<Listener> {
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const arrival = Arrival.enter(door, socket.remoteAddress ?? "", () => socket.destroy());
    if (arrival === null) return turnAway(socket, refusal);
    socket.on("close", () => arrival.left());
    onEntered(socket, arrival);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", reject);
      const address = server.address() as net.AddressInfo;
      resolve({ port: address.port, close: () => server.close() });
    });
  });
}

function turnAway(socket: net.Socket, refusal: string | undefined): void {
  socket.on("error", () => {});
  if (refusal === undefined) socket.destroy();
  // A half-open socket stays until both sides have ended, and this peer may never end its side.
  else socket.end(refusal, "latin1", () => socket.destroy());
}
