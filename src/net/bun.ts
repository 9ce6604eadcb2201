/** Bun's sockets: `write` copies to the kernel at once and says how much it took. */
import type { PeerCertificate } from "node:tls";
import type { Address } from "../base/connection.ts";
import { Arrival } from "./arrival.ts";
import type { Transport } from "./connection.ts";
import type { Door, Listener } from "./listen.ts";

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

  peerCertificate(): Uint8Array | null {
    if (!this.isEncrypted || !this.#socket.authorized) return null;
    return (this.#socket.getPeerCertificate() as Partial<PeerCertificate> | undefined)?.raw ?? null;
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
    // The peer may still read what was sent before `end`; only `terminate` resets.
    if (this.#isEnded) this.#socket.end();
    else this.#socket.terminate();
  }
}

export async function listenBun(host: string, port: number, door: Door): Promise<Listener> {
  // The data of a refused socket is null.
  const server = Bun.listen<Arrival | null>({
    hostname: host,
    port,
    exclusive: true,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        const arrival = Arrival.enter(door, socket.remoteAddress, () => socket.terminate());
        socket.data = arrival;
        if (arrival === null) {
          if (door.refusal !== undefined) socket.write(door.refusal);
          socket.end();
          return;
        }
        socket.setNoDelay(true);
        const local = { host: socket.localAddress ?? host, port: socket.localPort };
        arrival.connect(new BunTransport(socket, local, false));
      },
      data: (socket, bytes) => socket.data?.received(bytes),
      drain: (socket) => socket.data?.drained(),
      end: (socket) => socket.data?.peerEnded(),
      close(socket) {
        socket.data?.left();
        socket.data?.closed();
      },
      error: (socket) => socket.data?.broke(),
    },
  });
  return { port: server.port, close: () => server.stop() };
}
