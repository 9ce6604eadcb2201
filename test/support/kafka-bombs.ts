/** Batches that are small on the wire and large once decompressed, or full of the smallest records that there are. */
import { compress } from "../../src/message/kafka/compression.ts";
import { crc32c } from "../../src/base/checksum/crc32c.ts";
import { batchHeaderBytes, batchPrefixBytes } from "../../src/message/kafka/batch.ts";
import { makeBatch } from "../../sim/clients/kafka-batch.ts";

/** The same batch with its records compressed. */
export function compressedBatch(codec: number, plain: Buffer, recordCount: number): Buffer {
  return withRecords(codec, plain, compress(codec, plain.subarray(batchHeaderBytes)), recordCount);
}

/** The header of `plain` before other bytes, its lengths and checksum made to fit. */
export function withRecords(codec: number, plain: Buffer, records: Uint8Array, recordCount: number): Buffer {
  const batch = Buffer.concat([plain.subarray(0, batchHeaderBytes), records]);
  batch.writeInt32BE(batch.length - batchPrefixBytes, 8);
  batch.writeInt16BE(codec, 21);
  batch.writeInt32BE(recordCount - 1, 23);
  batch.writeInt32BE(recordCount, 57);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

/** One record of that many zeros, compressed. */
export function bomb(codec: number, inflatedBytes: number, timestamp = 0): Buffer {
  const values = ["\0".repeat(inflatedBytes)];
  const plain = makeBatch({ values, timestamp, producerId: -1, producerEpoch: -1, baseSequence: -1 });
  return compressedBatch(codec, plain, 1);
}

/** As many records of seven bytes as asked for: null key, null value, no headers. */
export function tinyRecords(codec: number, count: number, timestamp = 0): Buffer {
  const options = { values: [""], timestamp, producerId: -1, producerEpoch: -1, baseSequence: -1 };
  const plain = makeBatch(options);
  const parts: number[] = [];
  for (let i = 0; i < count; i++) {
    const delta: number[] = [];
    let rest = i * 2;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) delta.push((rest % 0x80) | 0x80);
    delta.push(rest);
    parts.push((5 + delta.length) * 2, 0, 0, ...delta, 1, 1, 0);
  }
  return withRecords(codec, plain, compress(codec, Buffer.from(parts)), count);
}

/** Two records of `inflatedBytes` zeros together. */
export function twoBombs(codec: number, inflatedBytes: number): Buffer {
  const value = "\0".repeat(inflatedBytes / 2);
  const options = { timestamp: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 };
  return compressedBatch(codec, makeBatch({ ...options, values: [value, value] }), 2);
}

/** The batch with a newest time in its header that no record of it has. */
export function claimingTime(batch: Buffer, maxTimestamp: number): Buffer {
  const claiming = Buffer.from(batch);
  claiming.writeBigInt64BE(BigInt(maxTimestamp), 35);
  claiming.writeUInt32BE(crc32c(claiming, 21, claiming.length), 17);
  return claiming;
}
