/** Bun's sockets: `write` copies to the kernel at once and says how much it took. */
import type { Address } from "../base/connection.ts";
import type { Guest } from "./entrance.ts";
import type { NetConnection, Transport } from "./connection.ts";
import type { Door, Listener } from "./listen.ts";

interface SocketState {
  /** Null: it was not let in. */
  connection: NetConnection | null;
  guest: Guest | null;
}

export class BunTransport<State> implements Transport {
  readonly #socket: Bun.Socket<State>;
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted: boolean;
  #isEnded = false;

  constructor(socket: Bun.Socket<State>, local: Address, isEncrypted: boolean) {
    this.#socket = socket;
    this.local = local;
    this.remote = { host: socket.remoteAddress, port: socket.remotePort };
    this.isEncrypted = isEncrypted;
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
    // `end` would close both ways, and reset a peer that is still sending.
    this.#isEnded = true;
    this.#socket.shutdown();
  }

  destroy(): void {
    // What was sent before an end is still the peer's to read: only `terminate` resets.
    if (this.#isEnded) this.#socket.end();
    else this.#socket.terminate();
  }
}

export async function listenBun(host: string, port: number, door: Door): Promise<Listener> {
  const server = Bun.listen<SocketState>({
    hostname: host,
    port,
    exclusive: true,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        const guest = door.enter(socket.remoteAddress, () => socket.terminate());
        socket.data = { connection: null, guest };
        if (guest === null) {
          if (door.refusal !== undefined) socket.write(door.refusal);
          socket.end();
          return;
        }
        socket.setNoDelay(true);
        const local = { host: socket.localAddress ?? host, port: socket.localPort };
        socket.data.connection = door.accept(new BunTransport(socket, local, false), guest);
      },
      data(socket, bytes) {
        socket.data.connection?.received(bytes);
      },
      drain(socket) {
        socket.data.connection?.drained();
      },
      end(socket) {
        socket.data.connection?.peerEnded();
      },
      close(socket) {
        socket.data.guest?.leave();
        socket.data.connection?.closed();
      },
      error(socket) {
        socket.data.connection?.destroy();
      },
    },
  });
  return { port: server.port, close: () => server.stop() };
}
