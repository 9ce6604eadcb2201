/**
 * The framing that snappy-java puts around raw snappy blocks, and which Kafka's Java clients send:
 *
 *     stream  82 "SNAPPY" 00, int32 version, int32 compatible version, blocks
 *     block   int32 size, raw snappy
 *     raw     varint of the decompressed size, then the compressed bytes
 *
 * Invariant: sizes that reach outside the input throw `BrokerError` MALFORMED.
 */
import { BrokerError } from "../../base/errors.ts";
import { int32At, putInt32 } from "./varint.ts";

const magic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const headerBytes = 16;
const blockBytesMax = 32 * 1024;

/** The raw blocks of a stream; input without the framing is one raw block. */
export function splitXerial(bytes: Buffer): Buffer[] {
  if (!isXerial(bytes)) return [bytes];
  const blocks: Buffer[] = [];
  for (let at = headerBytes; at < bytes.length;) {
    const size = at + 4 > bytes.length ? -1 : int32At(bytes, at);
    if (size < 0 || at + 4 + size > bytes.length) {
      throw new BrokerError("MALFORMED", `snappy block of ${size} bytes at ${at} of ${bytes.length}`);
    }
    blocks.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return blocks;
}

/** Compresses in blocks and frames them. */
export function joinXerial(bytes: Uint8Array, compressBlock: (block: Uint8Array) => Buffer): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.set(magic);
  putInt32(head, 8, 1);
  putInt32(head, 12, 1);
  const parts: Buffer[] = [head];
  for (let at = 0; at < bytes.length; at += blockBytesMax) {
    const block = compressBlock(bytes.subarray(at, Math.min(at + blockBytesMax, bytes.length)));
    const size = Buffer.alloc(4);
    putInt32(size, 0, block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}

/** What a raw block says it decompresses to; the decompressor holds it to that. */
export function snappySize(block: Uint8Array): number {
  let size = 0;
  let scale = 1;
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i]!;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) return size;
    scale *= 0x80;
  }
  throw new BrokerError("MALFORMED", `snappy block of ${block.length} bytes has no size`);
}

function isXerial(bytes: Uint8Array): boolean {
  if (bytes.length < headerBytes) return false;
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic[i]) return false;
  return true;
}
