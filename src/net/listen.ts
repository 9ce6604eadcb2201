/**
 * Listening sockets, on Bun's own sockets where there are any and on `node:net` otherwise.
 *
 * The only place that knows the runtime. A listener for host `localhost` listens on 127.0.0.1 and, where the machine
 * has one, on ::1 with the same port.
 */
import type { Clock } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { ConnectionHost } from "../base/connection.ts";
import type { Protocol } from "../protocols/contract.ts";
import { listenBun } from "./bun.ts";
import { NetConnection, type Transport } from "./connection.ts";

export interface Listener {
  readonly port: number;
  /** Stops accepting; open connections stay. */
  close(): void;
}

/** Given to a runtime's listener: makes a connection for each accepted socket. */
export type Accept = (transport: Transport) => NetConnection;

export interface ListenOptions {
  protocol: Protocol;
  host: string;
  /** 0 takes a free one. */
  port: number;
  connectionHost: ConnectionHost;
  clock: Clock;
}

/** All connections of one listener and how to end them. */
export class Server {
  readonly protocol: Protocol;
  readonly connections = new Set<NetConnection>();
  accepted = 0;
  readonly #listeners: Listener[] = [];

  constructor(protocol: Protocol) {
    this.protocol = protocol;
  }

  get port(): number {
    return this.#listeners[0]!.port;
  }

  static async listen(options: ListenOptions): Promise<Server> {
    const server = new Server(options.protocol);
    const accept: Accept = (transport) => server.#accept(transport, options);
    // Node's sockets would cost Bun 3 MB and 10 ms.
    const listen = typeof Bun === "undefined" ? (await import("./node.ts")).listenNode : listenBun;
    const hosts = options.host === "localhost" ? ["127.0.0.1", "::1"] : [options.host];
    for (let attempt = 0; ; attempt++) {
      try {
        server.#listeners.push(await listen(hosts[0]!, options.port, accept));
        if (hosts[1] !== undefined) await server.#listenSecond(() => listen(hosts[1]!, server.port, accept));
        return server;
      } catch (error) {
        server.stopListening();
        // The random port was free on one address and taken on the other: draw again.
        if (options.port === 0 && attempt < 20 && isInUse(error)) continue;
        throw listenError(error, options);
      }
    }
  }

  async #listenSecond(listen: () => Promise<Listener>): Promise<void> {
    try {
      this.#listeners.push(await listen());
    } catch (error) {
      if (isInUse(error)) throw error;
      // No IPv6 loopback on this machine: one address is enough.
    }
  }

  #accept(transport: Transport, options: ListenOptions): NetConnection {
    this.accepted++;
    const connection = new NetConnection(
      nextConnectionId++,
      transport,
      options.connectionHost,
      options.clock.now(),
      (closed) => this.connections.delete(closed),
    );
    this.connections.add(connection);
    connection.session = this.protocol.createSession(connection);
    return connection;
  }

  stopListening(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
  }

  /**
   * Ends all connections: no more input, but what was answered leaves, also what waits for the disk. A peer that does
   * not take it within `drainMsMax` is cut off.
   */
  async drain(): Promise<void> {
    this.stopListening();
    for (const connection of this.connections) connection.shutdown();
    const drained = (): boolean => Array.from(this.connections).every(({ outputBytes }) => outputBytes === 0);
    for (let waitedMs = 0; waitedMs < drainMsMax && !drained(); waitedMs += drainStepMs) {
      // A timer that keeps the process alive, unlike those of `Timers`: the sockets may be gone before the data is safe.
      await new Promise<void>((resolve) => setTimeout(resolve, drainStepMs));
    }
    for (const connection of this.connections) connection.destroy();
  }
}

const drainMsMax = 2000;
const drainStepMs = 5;

let nextConnectionId = 1;

function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
}

function listenError(error: unknown, options: ListenOptions): StartError {
  const { code, message } = error as NodeJS.ErrnoException;
  const what = `${options.protocol.name} port ${options.port} on ${options.host}`;
  const flag = `--${options.protocol.name}-port`;
  if (code === "EADDRINUSE")
    return new StartError(1, `${what} is in use; stop what listens there or choose another ${flag}`);
  if (code === "EACCES") return new StartError(1, `${what} needs more rights; choose a ${flag} above 1023`);
  return new StartError(1, `${what} cannot be opened: ${message}`);
}
