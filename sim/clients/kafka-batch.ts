/** Batches as a producer makes them, and what is in batches that came. */
import { ByteWriter } from "../../src/base/bytes.ts";
import { KafkaBatchBuilder } from "../../src/message/kafka/batch-builder.ts";
import { RecordCursor } from "../../src/message/kafka/batch-records.ts";
import { KafkaBatch } from "../../src/message/kafka/batch.ts";

export interface BatchOptions {
  readonly values: readonly string[];
  /** None, if it is not there. */
  readonly keys?: readonly string[];
  /** Headers of each record, as texts; none where it is not there. */
  readonly headersOf?: readonly Readonly<Record<string, string>>[];
  readonly timestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

const recordBytesMax = 1 << 20;

/** An uncompressed batch. */
export function makeBatch(options: BatchOptions): Buffer {
  const { values, keys, headersOf, timestamp, producerId, producerEpoch, baseSequence } = options;
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, {
    baseOffset: 0,
    baseTimestamp: timestamp,
    partitionLeaderEpoch: -1,
    producerId,
    producerEpoch,
    baseSequence,
  });
  values.forEach((value, i) => {
    const key = keys?.[i];
    if (key !== undefined) builder.key(Buffer.from(key));
    for (const [name, text] of Object.entries(headersOf?.[i] ?? {})) builder.header(name, Buffer.from(text));
    builder.value(Buffer.from(value)).record(i, timestamp);
  });
  builder.finish();
  return writer.copy();
}

/** Offset and body of each record that is not a control record. Throws when a batch fails its checksum. */
export function recordsOf(bytes: Buffer): [offset: number, body: string][] {
  const found: [number, string][] = [];
  const batch = new KafkaBatch();
  const cursor = new RecordCursor();
  batch.reset(bytes);
  while (batch.next()) {
    if (batch.isControl) continue;
    cursor.open(batch, recordBytesMax);
    while (cursor.next()) {
      const { buffer, valueStart, valueEnd } = cursor;
      found.push([cursor.offset, buffer.utf8Slice(valueStart, valueEnd)]);
    }
    cursor.close();
  }
  return found;
}
