/**
 * A raw socket of a generator: bytes out of the caller's own buffer, chunks in as they come. Bun only: its `write`
 * hands the bytes to the kernel at once, and no stream stands between.
 *
 * Not here: Redis' grammar (commands.ts, replies.ts and the others).
 * Invariant: bytes that were given to `send` are the connection's until it is idle again; they are neither copied nor
 * queued, so the most that waits is what one `send` holds.
 */
export type Chunk = Uint8Array;

export interface ConnectionOptions {
  readonly port: number;
  /** Of the socket, or thrown by a handler; also when the server closes. The run is over then. */
  readonly failed: (error: unknown) => void;
}

const noBytes: Chunk = new Uint8Array(0);

export class Connection {
  readonly #socket: Bun.Socket;
  #sending: Chunk = noBytes;
  #sentTo = 0;
  #end = 0;
  #isClosed = false;
  /** A chunk is only valid during the call. */
  received: (chunk: Chunk) => void = () => {};
  /** The kernel took the rest of a `send` that it had not taken at once. */
  drained: () => void = () => {};

  private constructor(socket: Bun.Socket) {
    this.#socket = socket;
  }

  static open({ port, failed }: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      const opening = Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open(socket) {
            socket.setNoDelay(true);
            connection = new Connection(socket);
            resolve(connection);
          },
          data: (_, chunk) => connection!.received(chunk),
          drain: () => connection!.#drain(),
          close() {
            if (!connection!.#isClosed) failed(new Error("the server closed a connection"));
          },
          error: (_, error) => failed(error),
        },
      });
      opening.catch(reject);
    });
  }

  static openMany(count: number, options: ConnectionOptions): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => Connection.open(options)));
  }

  /** Whether all that was sent is with the kernel, so that its buffer may be written again. */
  get isIdle(): boolean {
    return this.#sentTo === this.#end;
  }

  send(bytes: Chunk, start: number, end: number): void {
    if (!this.isIdle) throw new Error("sent on a connection that is not idle");
    this.#sending = bytes;
    this.#sentTo = start;
    this.#end = end;
    this.#write();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.end();
  }

  #write(): void {
    const taken = this.#socket.write(this.#sending, this.#sentTo, this.#end - this.#sentTo);
    if (taken < 0) throw new Error("wrote to a connection that is closed");
    this.#sentTo += taken;
  }

  #drain(): void {
    if (this.isIdle) return;
    this.#write();
    if (this.isIdle) this.drained();
  }
}
