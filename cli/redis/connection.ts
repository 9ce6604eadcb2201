/**
 * A pipelined connection to a Redis server: requests are gathered, and replies come in their order.
 *
 * Not here: what the replies mean. Invariants: requests that are not answered yet come to `bytesInFlightMax` and one request at most,
 * where the caller waits for `room` before each; once a reply was not accepted by its
 * receiver, or the connection has failed, every wait ends with that.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ByteWriter } from "../../src/base/bytes.ts";
import { type Reply, ReplyParser } from "../../src/protocols/redis/wire/reply-parser.ts";
import { ReplyWriter } from "../../src/protocols/redis/wire/reply-writer.ts";
import type { RedisAddress } from "./address.ts";
import { TransferError } from "./transfer-error.ts";

const flushBytes = 64 << 10;
const bytesInFlightMax = 4 << 20;
const requestsInFlightMax = 8192;
const connectMsMax = 10_000;

export type Word = string | number | Uint8Array;

/** Told of a reply, with what was given with the request. */
export type Taken = (reply: Reply, about: Buffer | null) => void;

interface Waiting {
  readonly taken: Taken;
  readonly about: Buffer | null;
  readonly bytes: number;
}

export class RedisConnection {
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  #out = new ByteWriter(2 * flushBytes);
  readonly #writer = new ReplyWriter(this.#out);
  #waiting: Waiting[] = [];
  /** How many of `#waiting` are answered. */
  #answered = 0;
  #requestAt = 0;
  #bytesInFlight = 0;
  #pauses = 0;
  /** Nothing more comes. */
  #failure: Error | null = null;
  /** A reply that its receiver did not accept; others still come. */
  #refusal: Error | null = null;
  /** Told of each change that somebody may wait for. */
  #changed: (() => void) | null = null;

  private constructor(socket: Socket, where: string) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("drain", () => this.#tell());
    socket.on("error", (error) => this.#fail(`${where}: ${error.message}`));
    socket.on("close", () => this.#fail(`${where}: the server has closed the connection`));
  }

  /** Connects and logs in. */
  static async open(address: RedisAddress): Promise<RedisConnection> {
    const { host, port, isTls, user, password } = address;
    const where = `${host}:${port}`;
    const socket = isTls
      ? connectTls({ host, port, servername: host })
      : connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        socket.destroy();
        reject(new TransferError("failed", `cannot connect to ${where}: ${why}; name the server with --url`));
      };
      socket.setTimeout(connectMsMax, () => fail("it does not answer"));
      socket.once("error", (error) => fail(error.message));
      socket.once(isTls ? "secureConnect" : "connect", resolve);
    });
    socket
      .removeAllListeners("timeout")
      .once("timeout", () => socket.destroy(new Error("it does not answer")));
    const connection = new RedisConnection(socket, where);
    try {
      if (password !== "") await connection.call("AUTH", ...(user === "" ? [password] : [user, password]));
    } catch (error) {
      // An open socket would keep the process.
      socket.destroy();
      throw error;
    }
    // Until here silence is no answer; from here on a request may take long.
    socket.setTimeout(0);
    return connection;
  }

  get isFull(): boolean {
    return (
      this.#bytesInFlight + this.#out.length > bytesInFlightMax ||
      this.#waiting.length - this.#answered > requestsInFlightMax
    );
  }

  /** Begins a request; `count` words and `sent` follow. */
  begin(count: number): void {
    this.#requestAt = this.#out.length;
    this.#writer.array(count);
  }

  word(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#writer.bulk(bytes, start, end);
  }

  /** A word of so many bytes, which the caller writes; `endWord` writes the last of them. */
  beginWord(size: number): ByteWriter {
    this.#writer.bulkStart(size);
    return this.#out;
  }

  /** Words that are written already. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    this.#out.bytes(bytes, start, end);
  }

  endWord(last: Uint8Array): void {
    this.#out.bytes(last);
    this.#writer.bulkEnd();
  }

  text(text: string): void {
    this.#writer.bulk(Buffer.from(text));
  }

  sent(taken: Taken, about: Buffer | null): void {
    // What was sent in parts has left by now.
    const bytes = Math.max(this.#out.length - this.#requestAt, 0);
    this.#bytesInFlight += bytes;
    this.#waiting.push({ taken, about, bytes });
    if (this.#out.length >= flushBytes) this.flush();
  }

  send(words: readonly Word[], taken: Taken, about: Buffer | null = null): void {
    this.begin(words.length);
    for (const word of words) {
      if (typeof word === "object") this.word(word);
      else this.text(String(word));
    }
    this.sent(taken, about);
  }

  flush(): void {
    if (this.#out.length === 0) return;
    // The socket keeps these bytes until they are sent.
    this.#socket.write(this.#out.copy());
    this.#out.reset();
  }

  /** The reply, where it is no error. */
  async call(name: string, ...words: readonly Word[]): Promise<Reply> {
    let got: Reply | undefined;
    this.send([name, ...words], (reply) => (got = reply));
    await this.settled();
    if (got!.type === "error") throw new TransferError("failed", `${name} was refused: ${got!.text}`);
    return got!;
  }

  /** Waits until another request may be sent. */
  async room(): Promise<void> {
    while (this.isFull) await this.#change();
  }

  /** Waits until the system has taken what was written: for requests that are sent in parts. */
  async drained(): Promise<void> {
    this.flush();
    while (this.#socket.writableNeedDrain) await this.#change();
  }

  /** Waits until every request is answered. */
  async settled(): Promise<void> {
    while (this.#waiting.length > this.#answered) await this.#change();
    this.#assertSound();
  }

  /** The same, whatever the replies are; also ends where no more come. */
  async answered(): Promise<void> {
    while (this.#failure === null && this.#waiting.length > this.#answered) await this.#told();
  }

  #assertSound(): void {
    const error = this.#refusal ?? this.#failure;
    if (error !== null) throw error;
  }

  async #change(): Promise<void> {
    this.#assertSound();
    await this.#told();
    this.#assertSound();
  }

  async #told(): Promise<void> {
    this.flush();
    await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = null;
    changed?.();
  }

  #fail(why: string): void {
    this.#failure ??= new TransferError("failed", why);
    this.#tell();
  }

  #received(chunk: Buffer): void {
    this.#parser.feed(chunk);
    try {
      for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next())
        this.#take(reply);
    } catch (error) {
      this.#fail((error as Error).message);
      this.#socket.destroy();
    }
    if (this.#answered > requestsInFlightMax || this.#answered === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#answered);
      this.#answered = 0;
    }
    this.#tell();
  }

  #take(reply: Reply): void {
    const { taken, about, bytes } = this.#waiting[this.#answered++]!;
    this.#bytesInFlight -= bytes;
    try {
      taken(reply, about);
    } catch (error) {
      this.#refusal ??= error as Error;
    }
  }

  /** Takes no more replies, but those that have come, until this is done. */
  pausedFor(work: Promise<void>): void {
    this.#pauses++;
    this.#socket.pause();
    const done = (): void => {
      if (--this.#pauses === 0) this.#socket.resume();
    };
    work.then(done, (error: unknown) => {
      this.#refusal ??= error as Error;
      done();
      this.#tell();
    });
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }
}
