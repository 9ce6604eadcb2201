/**
 * The codecs of Kafka's record batches (and of who else needs them): gzip, snappy, lz4 frames, zstd. Synchronous,
 * since batches are small and an order must be kept.
 *
 * Every decompression is bounded before memory is taken: a kilobyte can announce or hold gigabytes. What
 * compresses is loaded on first use (node:zlib alone takes Bun 8 ms), for most brokers never meet most codecs.
 *
 * Invariant: `decompress` returns at most `bytesMax` bytes, or throws `BrokerError` LIMIT; broken input is MALFORMED.
 */
import { assertInvariant } from "../../base/assert.ts";
import { createRequire } from "node:module";
import { asBuffer } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { lz4FrameSize } from "./compression-lz4-size.ts";
import { joinXerial, snappySize, splitXerial } from "./compression-snappy-framing.ts";

/** The numbers of the codecs in a batch's attributes. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

const slackBytes = 1024;
/** Encoders make blocks of 32 KiB, and a smaller one where they are flushed. */
const snappyBlockBytesLeast = 4096;
const snappyBlocksSlack = 64;

const load = createRequire(import.meta.url);
let zlibLoaded: typeof import("node:zlib") | undefined;
let snappyLoaded: typeof import("snappy") | undefined;
let lz4Loaded: typeof import("lz4-napi") | undefined;

function zlib(): typeof import("node:zlib") {
  return (zlibLoaded ??= load("node:zlib") as typeof import("node:zlib"));
}

function snappy(): typeof import("snappy") {
  return (snappyLoaded ??= load("snappy") as typeof import("snappy"));
}

function lz4(): typeof import("lz4-napi") {
  return (lz4Loaded ??= load("lz4-napi") as typeof import("lz4-napi"));
}

export function compress(codec: number, bytes: Uint8Array): Buffer {
  switch (codec) {
    case codecs.none:
      return asBuffer(bytes);
    case codecs.gzip:
      return zlib().gzipSync(bytes);
    case codecs.snappy:
      // Java clients frame what they send; all clients read both forms.
      return joinXerial(bytes, (block) => snappy().compressSync(block));
    case codecs.lz4:
      return lz4().compressFrameSync(asBuffer(bytes));
    case codecs.zstd:
      return zlib().zstdCompressSync(bytes);
    default:
      throw new BrokerError("INVALID", `codec ${codec} is unknown; 0 to 4 are none, gzip, snappy, lz4, zstd`);
  }
}

export function decompress(codec: number, bytes: Uint8Array, bytesMax: number): Buffer {
  const whole = decompressed(codec, bytes, bytesMax);
  assertInvariant(whole.length <= bytesMax, "no batch is larger decompressed than its bound");
  return whole;
}

function decompressed(codec: number, bytes: Uint8Array, bytesMax: number): Buffer {
  try {
    // No encoder makes its input that much larger. Empty blocks and members could go on without an end.
    if (bytes.length > bytesMax + bytesMax / 4 + slackBytes) throw tooLarge(codec, bytesMax);
    switch (codec) {
      case codecs.none:
        if (bytes.length > bytesMax) throw tooLarge(codec, bytesMax);
        return asBuffer(bytes);
      case codecs.gzip:
        return zlib().gunzipSync(bytes, { maxOutputLength: Math.max(bytesMax, 1) });
      case codecs.snappy:
        return unsnappy(asBuffer(bytes), bytesMax);
      case codecs.lz4:
        if (lz4FrameSize(bytes, bytesMax) > bytesMax) throw tooLarge(codec, bytesMax);
        return lz4().decompressFrameSync(asBuffer(bytes));
      case codecs.zstd:
        return zlib().zstdDecompressSync(bytes, { maxOutputLength: Math.max(bytesMax, 1) });
      default:
        throw new BrokerError(
          "INVALID",
          `codec ${codec} is unknown; 0 to 4 are none, gzip, snappy, lz4, zstd`,
        );
    }
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(codec, bytesMax);
    throw new BrokerError(
      "MALFORMED",
      `codec ${codec} cannot decompress ${bytes.length} bytes: ${String(error)}`,
    );
  }
}

function unsnappy(bytes: Buffer, bytesMax: number): Buffer {
  const blocks = splitXerial(bytes);
  let total = 0;
  for (const block of blocks) total += snappySize(block);
  if (total > bytesMax) throw tooLarge(codecs.snappy, bytesMax);
  // Each block is a call into native code: blocks that hold next to nothing are refused once there are many.
  if (blocks.length > total / snappyBlockBytesLeast + snappyBlocksSlack) {
    throw new BrokerError(
      "MALFORMED",
      `${blocks.length} snappy blocks for ${total} bytes; make larger blocks`,
    );
  }
  if (blocks.length === 1) return snappy().uncompressSync(blocks[0]!, { asBuffer: true }) as Buffer;
  const whole = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const block of blocks) {
    const part = snappy().uncompressSync(block, { asBuffer: true }) as Buffer;
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function tooLarge(codec: number, bytesMax: number): BrokerError {
  const most = limits.kafkaBatchInflatedBytesMost;
  const orSet = bytesMax < most ? `, or set max.message.bytes of the topic (counts up to ${most})` : "";
  return new BrokerError(
    "LIMIT",
    `codec ${codec}: more than ${bytesMax} bytes when decompressed; send smaller batches${orSet}`,
  );
}
