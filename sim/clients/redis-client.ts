/** A Redis client of a run: commands out, replies in, in order. */
import { type Reply, ReplyParser } from "../../src/protocols/redis/wire/reply-parser.ts";
import type { LinkEnd, SimLink } from "../network.ts";

export type RedisReply = string | number | null | RedisReply[] | Error;
/** Null: the connection is gone, and nobody knows whether the command ran. */
type OnReply = (reply: RedisReply, isLost: boolean) => void;

export class RedisClient implements LinkEnd {
  readonly #link: SimLink;
  readonly #parser = new ReplyParser();
  #waiting: OnReply[] = [];
  readonly #onMessage: ((message: RedisReply) => void) | null;
  isLost = false;
  /** How words and replies are bytes: latin1 where these are no text. */
  encoding: "utf8" | "latin1" = "utf8";

  /** `onMessage` gets what a subscriber hears. */
  constructor(link: SimLink, onMessage: ((message: RedisReply) => void) | null = null) {
    this.#link = link;
    this.#onMessage = onMessage;
    link.client = this;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  call(words: readonly (string | number)[], onReply: OnReply): void {
    if (this.isLost) return onReply(null, true);
    const parts = words.map((word) => {
      const text = String(word);
      return `$${Buffer.byteLength(text, this.encoding)}\r\n${text}\r\n`;
    });
    this.#waiting.push(onReply);
    this.#link.send(Buffer.from(`*${words.length}\r\n${parts.join("")}`, this.encoding));
  }

  /** A further reply to what was called last. */
  expect(onReply: OnReply): void {
    if (this.isLost) return onReply(null, true);
    this.#waiting.push(onReply);
  }

  received(bytes: Buffer): void {
    this.#parser.feed(bytes);
    for (const each of this.#parser.all()) {
      const reply = plain(each, this.encoding);
      if (this.#onMessage !== null && isMessage(each, reply)) this.#onMessage(reply);
      else this.#waiting.shift()?.(reply, false);
    }
  }

  closed(): void {
    this.isLost = true;
    for (const onReply of this.#waiting.splice(0)) onReply(null, true);
  }

  /** Leaves without a word. */
  cut(): void {
    this.#link.cut();
  }
}

function isMessage({ type }: Reply, reply: RedisReply): boolean {
  if (type === "push") return true;
  return Array.isArray(reply) && (reply[0] === "message" || reply[0] === "pmessage");
}

function plain(reply: Reply, encoding: "utf8" | "latin1"): RedisReply {
  switch (reply.type) {
    case "simple":
      return reply.text;
    case "error":
      return new Error(reply.text);
    case "integer":
    case "bigNumber":
      return Number(reply.value);
    case "bulk":
    case "verbatim":
      return reply.bytes.toString(encoding);
    case "double":
      return reply.value;
    case "boolean":
      return reply.value ? 1 : 0;
    case "null":
    case "nullBulk":
    case "nullArray":
      return null;
    default:
      return reply.items.map((item) => plain(item, encoding));
  }
}
