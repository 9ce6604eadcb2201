/**
 * A connection to a Kafka server on a raw socket: requests are pipelined, and answered in their order.
 *
 * Responses are walked where they came in; only one that spans reads is copied together first. Not here: how many
 * requests may be in flight, which is their senders' to bound.
 * Invariant: each response has the correlation id of the oldest request that waits; whatever else comes, and whatever
 * a reader of responses throws, ends the process (generate.ts): a generator is one, and no part of it goes on.
 */
import { connect, type Socket } from "node:net";
import { correlationIdAt, ResponseReader } from "./wire.ts";

/** Reads the response at `reader.at`; its bytes are used again once this returns. */
export type OnResponse = (reader: ResponseReader) => void;

const heldBytesMin = 1 << 20;

export class KafkaConnection {
  readonly #socket: Socket;
  readonly #waiting: OnResponse[] = [];
  #asked = 0;
  #answered = 0;
  readonly #reader = new ResponseReader();
  /** The begin of a response of which more is to come. */
  #held = Buffer.allocUnsafe(heldBytesMin);
  #heldBytes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => {
      throw error;
    });
    socket.on("close", () => {
      if (this.#waiting.length > 0)
        throw new Error(`the server closed with ${this.#waiting.length} requests unanswered`);
    });
  }

  static async open(port: number): Promise<KafkaConnection> {
    const socket = connect({ port, host: "127.0.0.1" });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new KafkaConnection(socket);
  }

  /** @param request complete but for its correlation id; its bytes are the socket's until the response has come */
  send(request: Uint8Array, onResponse: OnResponse): void {
    this.#asked = (this.#asked + 1) | 0;
    request[correlationIdAt] = this.#asked >> 24;
    request[correlationIdAt + 1] = this.#asked >> 16;
    request[correlationIdAt + 2] = this.#asked >> 8;
    request[correlationIdAt + 3] = this.#asked;
    this.#waiting.push(onResponse);
    this.#socket.write(request);
  }

  /** One request and its response, for what is not measured. */
  call<T>(request: Uint8Array, read: (reader: ResponseReader) => T): Promise<T> {
    return new Promise((resolve) => this.send(request, (reader) => resolve(read(reader))));
  }

  /** Whatever is in flight is not waited for. */
  close(): void {
    this.#waiting.length = 0;
    this.#socket.removeAllListeners("data");
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let at = this.#heldBytes > 0 ? this.#complete(chunk) : 0;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    while (chunk.length - at >= 4) {
      const end = at + 4 + view.getInt32(at);
      if (end > chunk.length) break;
      this.#answer(view, at + 4, end);
      at = end;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  /** Adds to the held response what is missing of it, and answers it once it is whole. @returns where the next begins */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#heldBytes < 4) {
      at = Math.min(4 - this.#heldBytes, chunk.length);
      this.#hold(chunk, 0, at);
      if (this.#heldBytes < 4) return at;
    }
    const bytes = 4 + this.#held.readInt32BE(0);
    const end = Math.min(at + bytes - this.#heldBytes, chunk.length);
    this.#hold(chunk, at, end, bytes);
    if (this.#heldBytes === bytes) {
      this.#heldBytes = 0;
      this.#answer(new DataView(this.#held.buffer, this.#held.byteOffset, bytes), 4, bytes);
    }
    return end;
  }

  #hold(chunk: Buffer, from: number, to: number, bytesWanted = 0): void {
    const needed = Math.max(this.#heldBytes + to - from, bytesWanted);
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#held.length));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes, from, to);
    this.#heldBytes += to - from;
  }

  #answer(view: DataView, at: number, end: number): void {
    this.#answered = (this.#answered + 1) | 0;
    const onResponse = this.#waiting.shift();
    const correlationId = view.getInt32(at);
    if (onResponse === undefined || correlationId !== this.#answered)
      throw new Error(`an answer to request ${correlationId}, where ${this.#answered} was due`);
    this.#reader.reset(view, at + 4);
    onResponse(this.#reader);
    if (this.#reader.at !== end) throw new Error(`a response ended at ${this.#reader.at} of ${end}`);
  }
}
