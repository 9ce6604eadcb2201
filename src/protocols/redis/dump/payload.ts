/**
 * A serialized value while it is gathered over several turns, in chunks, so that no buffer of its whole size is grown or copied.
 *
 * A number that is known only at the end has its place kept by `open`, and is written there by `fill`. Not here: what the bytes mean.
 * Invariant: the value is the chunks in their order, followed by what is in `out`.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { Crc64 } from "../../../base/checksum/crc64.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { rdbVersion } from "./rdb.ts";

const chunkBytes = 256 << 10;
const emptyBytes = Buffer.alloc(0);
/** The checksum takes longer than copying. */
const unitsOfChecked = 4;

export class Payload {
  out = new ByteWriter(1024);
  readonly #parts: PartedReply;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(parts: PartedReply) {
    this.#parts = parts;
  }

  get bytes(): number {
    return this.#bytes + this.out.length;
  }

  /** Call it between pieces of work: the reply's bound and the account of memory count what is gathered. */
  settle(): void {
    if (this.out.length >= chunkBytes) this.#cut();
    this.#parts.gathered = this.bytes;
  }

  #cut(): void {
    if (this.out.length === 0) return;
    this.#bytes += this.out.length;
    this.#chunks.push(this.out.view());
    this.out = new ByteWriter(1024);
  }

  /** Keeps a place for what is not known yet; give what it returns to `fill`. */
  open(): number {
    this.#cut();
    return this.#chunks.push(emptyBytes) - 1;
  }

  fill(place: number, write: (out: ByteWriter) => void): void {
    const out = new ByteWriter(32);
    write(out);
    this.#chunks[place] = out.copy();
    this.#bytes += out.length;
  }

  /** Ends the value with version and checksum, and writes it as a bulk. */
  *reply({ reply }: CommandContext): Job<void> {
    this.out.uint8(rdbVersion).uint8(0);
    this.#cut();
    const checksum = new Crc64();
    for (const chunk of this.#chunks) {
      checksum.update(chunk);
      yield unitsOfChecked * unitsOfBytes(chunk.length);
    }
    const end = Buffer.alloc(8);
    checksum.write(end, 0);
    this.#chunks.push(end);
    reply.bulkStart(this.#bytes + end.length);
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
      this.#chunks[i] = emptyBytes;
      reply.out.bytes(chunk, 0, chunk.length);
      this.#bytes -= chunk.length;
      this.#parts.gathered = Math.max(this.#bytes, 0);
      yield unitsOfBytes(chunk.length);
    }
    reply.bulkEnd();
  }
}
