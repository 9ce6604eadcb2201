/**
 * Listening sockets, on Bun's own sockets where there are any and on `node:net` otherwise.
 *
 * The only place that knows the runtime. A listener for host `localhost` listens on 127.0.0.1 and, where the machine
 * has one, on ::1 with the same port.
 */
import { networkInterfaces } from "node:os";
import { isLoopbackAddress } from "../base/addresses.ts";
import type { Clock } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { LogFields } from "../base/logger.ts";
import type { ConnectionHost } from "../base/connection.ts";
import type { Protocol } from "../protocols/contract.ts";
import { listenBun } from "./bun.ts";
import { NetConnection, type Transport } from "./connection.ts";
import type { Entrance, Guest, Refusal } from "./entrance.ts";
import type { TlsIdentity } from "./tls.ts";

export interface Listener {
  readonly port: number;
  /** Stops accepting; open connections stay. */
  close(): void;
}

/** What a runtime's listener calls for each accepted socket. */
export interface Door {
  readonly protocol: Protocol;
  /** The socket's place, which it must leave when it is closed; null: it is refused. `drop` ends it for another one. */
  enter(remoteHost: string, drop: () => void): Guest | null;
  /** The message to a refused socket. */
  readonly refusal: string | undefined;
  /** Makes the connection: at once, or after the TLS handshake. */
  accept(transport: Transport, guest: Guest): NetConnection;
  handshakeFailed(remoteHost: string, reason: string): void;
}

export interface ServerOptions {
  readonly protocol: Protocol;
  readonly host: string;
  readonly connectionHost: ConnectionHost;
  readonly clock: Clock;
  readonly entrance: Entrance;
}

/** One of the runtime's listeners, of one address. */
type Listen = (address: string, port: number, door: Door) => Promise<Listener>;

/** The connections of one protocol, from all of its ports, and how to end them. */
export class Server implements Door {
  readonly protocol: Protocol;
  readonly connections = new Map<number, NetConnection>();
  accepted = 0;
  /** Refused sockets, by reason. */
  readonly refused: Record<Refusal, number> = {
    "connections-max": 0,
    "connections-per-address-max": 0,
    evicted: 0,
    tls: 0,
  };
  readonly #options: ServerOptions;
  readonly #listeners: Listener[] = [];

  constructor(options: ServerOptions) {
    this.protocol = options.protocol;
    this.#options = options;
  }

  get isListening(): boolean {
    return this.#listeners.length > 0;
  }

  get refusal(): string | undefined {
    return this.protocol.refusal;
  }

  /** Listens on a port, 0 for a free one, and returns it. @throws StartError */
  async listen(port: number, tls: TlsIdentity | null = null): Promise<number> {
    const listen = tls === null ? await plainListen() : await tlsListen(tls);
    const { host } = this.#options;
    const first = host === "localhost" ? "127.0.0.1" : host;
    const second = host === "localhost" ? "::1" : undefined;
    for (let attempt = 0; ; attempt++) {
      const opened: Listener[] = [];
      try {
        opened.push(await listen(first, port, this));
        if (second !== undefined) opened.push(...(await this.#listenSecond(listen, second, opened[0]!.port)));
        this.#listeners.push(...opened);
        return opened[0]!.port;
      } catch (error) {
        for (const listener of opened) listener.close();
        // The random port was free on one address and in use on the other: try another one.
        if (port === 0 && attempt < 20 && isInUse(error)) continue;
        throw this.#listenError(error, port, tls !== null);
      }
    }
  }

  async #listenSecond(listen: Listen, address: string, port: number): Promise<Listener[]> {
    try {
      return [await listen(address, port, this)];
    } catch (error) {
      if (isInUse(error)) throw error;
      // No IPv6 loopback on this machine: one address is enough.
      return [];
    }
  }

  #listenError(error: unknown, port: number, isTls: boolean): StartError {
    const { message } = error as Error;
    const { name } = this.protocol;
    const { host } = this.#options;
    const what = `${name} ${isTls ? "TLS " : ""}port ${port} on ${host}`;
    const flag = `--${name}-${isTls ? "tls-" : ""}port`;
    if (isInUse(error))
      return new StartError(1, `${what} is in use; stop what listens there or choose another ${flag}`);
    if ((error as NodeJS.ErrnoException).code === "EACCES")
      return new StartError(1, `${what} needs more rights; choose a ${flag} above 1023`);
    if (!isOwnAddress(host)) {
      return new StartError(
        1,
        `${what} cannot be opened: ${host} is no address of this machine; give --host one that is, or 0.0.0.0 for all`,
      );
    }
    return new StartError(1, `${what} cannot be opened: ${message}`);
  }

  enter(remoteHost: string, drop: () => void): Guest | null {
    const entered = this.#options.entrance.enter(remoteHost, drop, (evictedHost) =>
      this.#refuse("evicted", { remote: evictedHost }),
    );
    if (typeof entered !== "string") return entered;
    this.#refuse(entered, { remote: remoteHost });
    return null;
  }

  handshakeFailed(remoteHost: string, reason: string): void {
    this.#refuse("tls", { remote: remoteHost, reason });
  }

  #refuse(refusal: Refusal, fields: LogFields): void {
    this.refused[refusal]++;
    this.#options.entrance.logRefusal(refusal, { protocol: this.protocol.name, ...fields });
  }

  accept(transport: Transport, guest: Guest): NetConnection {
    const { connectionHost, clock } = this.#options;
    this.accepted++;
    const connection = new NetConnection(
      nextConnectionId++,
      transport,
      connectionHost,
      clock.now(),
      (closed) => this.connections.delete(closed.id),
    );
    this.connections.set(connection.id, connection);
    connection.protocol = this.protocol.name;
    guest.drop = () => connection.destroy();
    connection.guest = guest;
    connection.session = this.protocol.createSession(connection);
    return connection;
  }

  stopListening(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
  }

  /**
   * Ends all connections: no more input is read, but answers still leave, also those that wait for the disk. A peer that does not
   * read them within `drainMsMax` is cut off, and so is a peer that has read them and does not end its side within `partMsMax`.
   */
  async drain(): Promise<void> {
    this.stopListening();
    for (const connection of this.connections.values()) connection.shutdown();
    const { connections } = this;
    // `Broker.sync` has already waited for a disk that cannot be written.
    await waitUntil(drainMsMax, () =>
      [...connections.values()].every(({ outputBytes, waitsForDisk }) => outputBytes === 0 || waitsForDisk),
    );
    // A peer that is still sending would be reset, and might lose its last reply.
    await waitUntil(partMsMax, () => [...connections.values()].every(({ waitsForDisk }) => waitsForDisk));
    for (const connection of connections.values()) connection.destroy();
  }
}

async function waitUntil(msMax: number, isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < msMax && !isSo(); waitedMs += drainStepMs) {
    // A timer that keeps the process alive, unlike those of `Timers`: the sockets may be gone before the data is safe.
    await new Promise<void>((resolve) => setTimeout(resolve, drainStepMs));
  }
}

const drainMsMax = 2000;
const partMsMax = 250;
const drainStepMs = 5;

let nextConnectionId = 1;

function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
}

/** Only called after a failure: Bun's errors do not tell this one from others. */
function isOwnAddress(host: string): boolean {
  if (host === "localhost" || host === "0.0.0.0" || /^[0:]*:[0:]*$/.test(host) || isLoopbackAddress(host))
    return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address }) => address === host.replace(/%.*$/, "").toLowerCase());
}

/** Node's sockets would cost Bun 3 MB and 10 ms. */
async function plainListen(): Promise<Listen> {
  return typeof Bun === "undefined" ? (await import("./node.ts")).listenNode : listenBun;
}

async function tlsListen(identity: TlsIdentity): Promise<Listen> {
  const listen =
    typeof Bun === "undefined"
      ? (await import("./node-tls.ts")).listenNodeTls
      : (await import("./bun-tls.ts")).listenBunTls;
  return (address, port, door) => listen(address, port, door, identity);
}
