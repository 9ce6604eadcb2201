/** Bun's sockets: `write` copies to the kernel at once and says how much it took. */
import type { Address } from "../base/connection.ts";
import type { NetConnection, Transport } from "./connection.ts";
import type { Accept, Listener } from "./listen.ts";

interface SocketState {
  connection: NetConnection;
}

class BunTransport implements Transport {
  readonly #socket: Bun.Socket<SocketState>;
  readonly local: Address;
  readonly remote: Address;

  constructor(socket: Bun.Socket<SocketState>, localHost: string, localPort: number) {
    this.#socket = socket;
    this.local = { host: localHost, port: localPort };
    this.remote = { host: socket.remoteAddress, port: socket.remotePort };
  }

  write(bytes: Buffer, start: number, end: number): number {
    return Math.max(this.#socket.write(bytes, start, end - start), 0);
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
    this.#socket.terminate();
  }
}

export async function listenBun(host: string, port: number, accept: Accept): Promise<Listener> {
  const server = Bun.listen<SocketState>({
    hostname: host,
    port,
    exclusive: true,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        const connection = accept(new BunTransport(socket, socket.localAddress ?? host, socket.localPort));
        socket.data = { connection };
      },
      data(socket, bytes) {
        socket.data.connection.received(bytes);
      },
      drain(socket) {
        socket.data.connection.drained();
      },
      end(socket) {
        socket.data.connection.end();
      },
      close(socket) {
        socket.data.connection.closed();
      },
      error(socket) {
        socket.data.connection.destroy();
      },
    },
  });
  return { port: server.port, close: () => server.stop() };
}
