/**
 * What DUMP gives and RESTORE takes.
 *
 *     payload = u8 type, value, u16 version, u64 CRC-64 of all before it            the last two little-endian
 *
 * While it is made, over several turns, it is gathered in chunks, so that no buffer of its whole size is grown or copied. A number that
 * is known only at the end has its place kept by `open`, and is written there by `fill`. Not here: what the bytes of a value mean.
 * Invariant: the value is the chunks in their order, followed by what is in `out`.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { Crc64 } from "../../../base/checksum/crc64.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import type { StringSink } from "../wire/rdb/writer.ts";

/** What is written: that of redis 7.0, and of 7.4, for what 7.0 does not know. */
export const payloadVersions = { first: 10, fieldExpiries: 12 } as const;
/** What is read: later versions differ by types of their own only. */
const versionMax = 12;
/** Version and sum. */
export const footerBytes = 10;
const sumBytes = 8;
const chunkBytes = 256 << 10;
const emptyBytes = Buffer.alloc(0);
const checkedAtOnce = 64 << 10;
/** The sum takes longer than copying. */
const unitsOfChecked = 3;

export class Payload implements StringSink {
  out = new ByteWriter(1024);
  version: number = payloadVersions.first;
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
    this.#parts.bytesAside = this.bytes;
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

  /** Ends the value with version and sum. The chunks are all of it then; who takes them may empty the list. */
  *close(): Job<Buffer[]> {
    this.out.uint8(this.version).uint8(this.version >> 8);
    this.#cut();
    const sum = new Crc64();
    for (const chunk of this.#chunks) {
      for (let at = 0; at < chunk.length; at += checkedAtOnce) {
        const until = Math.min(at + checkedAtOnce, chunk.length);
        sum.update(chunk, at, until);
        yield unitsOfChecked * unitsOfBytes(until - at);
      }
    }
    const end = Buffer.alloc(sumBytes);
    sum.write(end, 0);
    this.#chunks.push(end);
    this.#bytes += end.length;
    return this.#chunks;
  }

  /** Ends the value, and writes it as a bulk. */
  *reply({ reply }: CommandContext): Job<void> {
    const chunks = yield* this.close();
    reply.bulkStart(this.#bytes);
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i]!;
      chunks[i] = emptyBytes;
      reply.out.bytes(chunk, 0, chunk.length);
      this.#bytes -= chunk.length;
      this.#parts.bytesAside = Math.max(this.#bytes, 0);
      yield unitsOfBytes(chunk.length);
    }
    reply.bulkEnd();
  }
}

/** Whether `buffer[start, end)` ends in a version that is known and the right sum. */
export function* isPayload(buffer: Buffer, start: number, end: number): Job<boolean> {
  if (end - start < footerBytes) return false;
  if (buffer.readUInt16LE(end - footerBytes) > versionMax) return false;
  const sum = new Crc64();
  for (let at = start; at < end - sumBytes; at += checkedAtOnce) {
    const until = Math.min(at + checkedAtOnce, end - sumBytes);
    sum.update(buffer, at, until);
    if (until < end - sumBytes) yield unitsOfChecked * unitsOfBytes(until - at);
  }
  return sum.isAt(buffer, end - sumBytes);
}
