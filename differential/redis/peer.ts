/**
 * One connection to a server: requests out, frames in, each frame as the bytes that came. Not here: what they mean. Invariant: frames
 * are kept in the order in which they came, replies apart from what was pushed.
 */
import { connect, type Socket } from "node:net";
import { replyEnd, requestOf, type Word } from "../../test/support/raw-redis.ts";

const confirmations = new Set([
  "subscribe",
  "unsubscribe",
  "psubscribe",
  "punsubscribe",
  "ssubscribe",
  "sunsubscribe",
]);
const messages = new Set(["message", "pmessage", "smessage", "invalidate", "tracking-redir-broken"]);

export class Peer {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  readonly replies: string[] = [];
  readonly pushes: string[] = [];
  isClosed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      for (;;) {
        const end = replyEnd(this.#bytes, 0);
        if (end < 0) break;
        this.#took(this.#bytes.latin1Slice(0, end));
        this.#bytes = this.#bytes.subarray(end);
      }
      this.#wake?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake?.();
    });
  }

  static async open(port: number): Promise<Peer> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return peer;
  }

  /** In RESP2 what is pushed looks like any other array. */
  #took(frame: string): void {
    const kind = /^[>*]\d+\r\n\$\d+\r\n([a-z-]+)\r\n/.exec(frame)?.[1] ?? "";
    const isPush = frame[0] === ">" ? !confirmations.has(kind) : messages.has(kind);
    (isPush ? this.pushes : this.replies).push(frame);
  }

  send(words: readonly Word[]): void {
    this.#socket.write(requestOf(words));
  }

  /** Until there are so many replies, or the connection is closed. */
  async until(count: number): Promise<void> {
    while (this.replies.length < count && !this.isClosed)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
  }

  async ask(words: readonly Word[]): Promise<string> {
    const count = this.replies.length + 1;
    this.send(words);
    await this.until(count);
    return this.replies[count - 1] ?? "closed";
  }

  close(): void {
    this.#socket.destroy();
  }
}
