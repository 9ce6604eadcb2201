/**
 * One reply that is written over several turns. It is kept in parts, so that no buffer of its whole size is grown or copied.
 *
 * A list whose length is known only at its end is opened with `openList` and closed with its count; its header goes where the list
 * was opened. Not here: when the reply is written and sent (sliced-reply.ts). Invariant: the reply is the parts in their order,
 * followed by what is in `out`.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { limits } from "../../../base/limits.ts";
import { replyTooLarge } from "./errors.ts";
import { ReplyWriter, type RespVersion } from "../wire/reply-writer.ts";

const partBytes = 256 << 10;
/** A smaller part is copied, so that many short lists do not keep a large buffer each. */
const copiedBytesMax = 32 << 10;
const emptyBytes = Buffer.alloc(0);

export class PartedReply {
  /** Where the reply is written now. */
  readonly out = new ByteWriter(1024);
  readonly #parts: Buffer[] = [];
  readonly #version: RespVersion;
  #partsBytes = 0;
  #isDropped = false;
  /** Bytes that are kept elsewhere for the reply, until they are written. */
  bytesAside = 0;

  constructor(version: RespVersion) {
    this.#version = version;
  }

  get bytes(): number {
    return this.#partsBytes + this.out.length + this.bytesAside;
  }

  /** Call it between pieces of work. Throws once the reply is larger than `redisReplyBytesMax`. */
  settle(): void {
    this.cutIfLong();
    const { bytesAside } = this;
    if (Math.max(this.bytes - bytesAside, bytesAside) > limits.redisReplyBytesMax) throw replyTooLarge();
  }

  /** What is written becomes a part once it is long. */
  cutIfLong(): void {
    if (this.out.length >= partBytes) this.#cut();
  }

  /** Nobody takes the reply: what is written of it from here on goes too. */
  drop(): void {
    this.#isDropped = true;
    this.#parts.length = 0;
    this.#partsBytes = 0;
    this.out.length = 0;
  }

  #cut(): void {
    const { out } = this;
    if (this.#isDropped) out.length = 0;
    if (out.length === 0) return;
    this.#partsBytes += out.length;
    if (out.length <= copiedBytesMax) this.#parts.push(out.copy());
    else {
      this.#parts.push(out.view());
      out.buffer = Buffer.allocUnsafeSlow(partBytes);
    }
    out.length = 0;
  }

  /** Begins a list; give what it returns to `closeList`. */
  openList(): number {
    this.#cut();
    return this.#isDropped ? 0 : this.#parts.push(emptyBytes) - 1;
  }

  /** Ends the list of that number, which has `count` elements (pairs, of a map). */
  closeList(list: number, count: number, kind: "array" | "map" | "set" = "array"): void {
    this.fill(list, (reply) => reply[kind](count));
  }

  /** Writes what belongs where `openList` was called, once it is known. */
  fill(list: number, write: (reply: ReplyWriter) => void): void {
    if (this.#isDropped) return;
    const reply = new ReplyWriter(new ByteWriter(32));
    reply.version = this.#version;
    write(reply);
    this.#parts[list] = reply.out.copy();
    this.#partsBytes += reply.out.length;
  }

  /** The parts; each is released once it was taken. */
  *take(): Generator<Buffer> {
    this.#cut();
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i]!;
      this.#parts[i] = emptyBytes;
      this.#partsBytes -= part.length;
      yield part;
    }
  }
}
