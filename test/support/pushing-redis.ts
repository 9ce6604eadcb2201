/**
 * A Redis connection for tests that compare what the server pushes: messages of Pub/Sub and invalidations, between the replies.
 *
 * In RESP3 pushes have a mark of their own; in RESP2 they are the arrays that begin with a message's kind. Invariant: what was
 * pushed is kept, in its order, until it is asked for.
 */
import { connect, type Socket } from "node:net";
import { requestOf, replyEnd, type Word } from "./raw-redis.ts";

const messageOfResp2 = /^\*\d\r\n\$\d+\r\n(?:p?message)\r\n/;

export class PushingRedis {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  /** Pushes and replies, in the order in which they came. */
  #all: { readonly text: string; readonly isPush: boolean }[] = [];
  readonly #waiting: ((reply: string) => void)[] = [];
  readonly #pongs: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const settle of this.#waiting.splice(0)) settle("closed");
      for (const settle of this.#pongs.splice(0)) settle();
    });
  }

  static async open(port: number, version: 2 | 3 = 3): Promise<PushingRedis> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = new PushingRedis(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    await client.call("hello", version);
    return client;
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    for (;;) {
      const end = at < this.#bytes.length ? replyEnd(this.#bytes, at) : -1;
      if (end < 0) break;
      const text = this.#bytes.latin1Slice(at, end);
      at = end;
      if (text === "+PONG\r\n" && this.#pongs.length > 0) {
        this.#pongs.shift()!();
        continue;
      }
      const isPush = text.startsWith(">") || messageOfResp2.test(text);
      this.#all.push({ text, isPush });
      if (!isPush) this.#waiting.shift()?.(text);
    }
    this.#bytes = this.#bytes.subarray(at);
  }

  /** The reply, as Latin-1 text of its bytes. Pushes are kept for `taken`, `settled`. */
  call(...words: readonly Word[]): Promise<string> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve("closed");
      this.#waiting.push(resolve);
      this.#socket.write(requestOf(words));
    });
  }

  /** Several requests in one piece. */
  pipeline(requests: readonly (readonly Word[])[]): Promise<string[]> {
    const replies = requests.map(() => new Promise<string>((resolve) => this.#waiting.push(resolve)));
    this.#socket.write(Buffer.concat(requests.map(requestOf)));
    return Promise.all(replies);
  }

  /** A command that is answered by pushes alone (SUBSCRIBE). */
  send(...words: readonly Word[]): void {
    this.#socket.write(requestOf(words));
  }

  /** What was pushed since the last call. */
  taken(): string[] {
    const all = this.#all;
    this.#all = [];
    return all.filter(({ isPush }) => isPush).map(({ text }) => text);
  }

  /** The same, among the replies. */
  async settledAll(): Promise<string[]> {
    await this.call("ping");
    const all = this.#all;
    this.#all = [];
    return all.map(({ text }) => text);
  }

  /** Pushes and replies that have come since the last call. */
  takenAll(): string[] {
    const all = this.#all;
    this.#all = [];
    return all.map(({ text }) => text);
  }

  /** Waits for the answer to a PING, which is left out, for a connection that gets other lines meanwhile (MONITOR). */
  pong(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve();
      this.#pongs.push(resolve);
      this.#socket.write(requestOf(["ping"]));
    });
  }

  /** What was pushed until now: whatever the server had for this connection has come. */
  async settled(): Promise<string[]> {
    await this.call("ping");
    return this.taken();
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.destroy();
    await closed;
  }
}
