/**
 * Node's sockets: `write` keeps the bytes, so they are copied. It would keep any number: they are given in pieces until
 * it asks for a pause, so that what a peer does not read stays in the connection's output, which is bounded.
 */
import net from "node:net";
import type { Address } from "../base/connection.ts";
import type { NetConnection, Transport } from "./connection.ts";
import type { Accept, Listener } from "./listen.ts";

const pieceBytesMax = 256 << 10;

class NodeTransport implements Transport {
  readonly #socket: net.Socket;
  readonly local: Address;
  readonly remote: Address;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
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

export function listenNode(host: string, port: number, accept: Accept): Promise<Listener> {
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection: NetConnection = accept(new NodeTransport(socket));
    socket.on("data", (bytes: Buffer) => connection.received(bytes));
    socket.on("drain", () => connection.drained());
    socket.on("close", () => connection.closed());
    socket.on("error", () => connection.destroy());
    socket.on("end", () => connection.end());
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
