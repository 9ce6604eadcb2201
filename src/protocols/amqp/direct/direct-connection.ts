/**
 * A connection to a session in the same process, without a socket: what the session writes goes, at the end of the tick, to whoever
 * opened it.
 *
 * Not here: what is said over it (direct-channel.ts). It is in no list of connections, as it lives for one request of HTTP. Holds
 * have no effect: the router of the HTTP API answers once everything is on the disk (admin/api/router.ts).
 */
import { ByteWriter } from "../../../base/bytes.ts";
import type { Connection, FlushableConnection } from "../../../base/connection.ts";
import type { Broker } from "../../../broker/broker.ts";

const initialBytes = 512;
/** Ids of direct connections lie below those of sockets, which begin at 1. */
let nextId = -1;

export class DirectConnection implements Connection, FlushableConnection {
  readonly id = nextId--;
  readonly local = { host: "127.0.0.1", port: 0 };
  readonly remote: { host: string; port: number };
  readonly isEncrypted = false;
  readonly openedAt: number;
  readonly output = new ByteWriter(initialBytes);
  readonly isMemoryShort = false;
  readonly answerMark = 0;
  readonly mayLeave = true;
  isClosed = false;
  bytesReceived = 0;
  bytesSent = 0;
  readonly #broker: Broker;
  readonly #take: (bytes: Buffer) => void;
  #isTouched = false;

  constructor(broker: Broker, remoteHost: string, take: (bytes: Buffer) => void) {
    this.#broker = broker;
    this.#take = take;
    this.remote = { host: remoteHost, port: 0 };
    this.openedAt = broker.clock.now();
  }

  peerCertificate(): null {
    return null;
  }

  get outputBytes(): number {
    return this.output.length;
  }

  touch(): void {
    if (this.#isTouched || this.isClosed) return;
    this.#isTouched = true;
    this.#broker.ticker.connectionTouched(this);
  }

  flush(): void {
    this.#isTouched = false;
    if (this.output.length === 0) return;
    const bytes = this.output.copy();
    this.output.reset();
    this.#take(bytes);
  }

  answerTo(_mark: number, write: () => void): void {
    write();
  }

  end(): void {
    this.flush();
  }

  holdUntilDurable(): void {}
  holdInput(): void {}
  settle(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
  destroy(): void {}
}
