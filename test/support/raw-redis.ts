/**
 * A Redis connection for tests that compare bytes: sends requests, gives each whole reply as it came.
 *
 * Not here: what replies mean. Invariant: replies are given in the order of the requests.
 */
import { connect, type Socket } from "node:net";
import { ByteWriter } from "../../src/base/bytes.ts";
import { ReplyWriter } from "../../src/protocols/redis/wire/reply-writer.ts";

export type Word = string | number | Buffer;

export class RawRedis {
  readonly #socket: Socket;
  readonly #waiting: ((reply: string) => void)[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      for (;;) {
        const end = replyEnd(this.#bytes, 0);
        if (end < 0) return;
        const reply = this.#bytes.latin1Slice(0, end);
        this.#bytes = this.#bytes.subarray(end);
        this.#waiting.shift()?.(reply);
      }
    });
    socket.on("error", () => {});
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => {
        for (const settle of this.#waiting.splice(0)) settle("closed");
        resolve();
      });
    });
  }

  static async open(port: number): Promise<RawRedis> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = new RawRedis(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** The reply's bytes as Latin-1 text, or "closed". */
  call(...words: readonly Word[]): Promise<string> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve("closed");
      this.#waiting.push(resolve);
      this.#socket.write(requestOf(words));
    });
  }

  /** All requests in one piece. */
  pipeline(requests: readonly (readonly Word[])[]): Promise<string>[] {
    const replies = requests.map(() => new Promise<string>((resolve) => this.#waiting.push(resolve)));
    this.#socket.write(Buffer.concat(requests.map(requestOf)));
    return replies;
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }
}

export function requestOf(words: readonly Word[]): Buffer {
  const writer = new ReplyWriter(new ByteWriter());
  writer.array(words.length);
  for (const word of words) writer.bulk(Buffer.isBuffer(word) ? word : Buffer.from(String(word), "latin1"));
  return writer.out.copy();
}

/** Where the reply that starts at `start` ends, or -1 while it is not all there. */
export function replyEnd(bytes: Buffer, start: number): number {
  const line = bytes.indexOf("\r\n", start);
  if (line < 0) return -1;
  const mark = String.fromCharCode(bytes[start]!);
  const size = Number(bytes.latin1Slice(start + 1, line));
  if (mark === "$" || mark === "=") {
    const end = size < 0 ? line + 2 : line + 2 + size + 2;
    return end <= bytes.length ? end : -1;
  }
  if (mark !== "*" && mark !== "%" && mark !== "~" && mark !== ">") return line + 2;
  let end = line + 2;
  for (let left = mark === "%" ? 2 * size : size; left > 0; left--) {
    end = replyEnd(bytes, end);
    if (end < 0) return -1;
  }
  return end;
}
