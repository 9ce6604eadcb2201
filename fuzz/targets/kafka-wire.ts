/** Kafka's codecs: requests of every api and version, record batches in every codec, frames in pieces, varints. */
import { Seeded } from "../../sim/seeded.ts";
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/base/checksum/crc32.ts";
import { BrokerError } from "../../src/base/errors.ts";
import { RecordCursor } from "../../src/message/kafka/batch-records.ts";
import { validateProduced } from "../../test/support/kafka-validate.ts";
import { KafkaBatch } from "../../src/message/kafka/batch.ts";
import { decodeRequest, encodeRequest } from "../../src/protocols/kafka/wire/codec.ts";
import { FrameSplitter } from "../../src/protocols/kafka/wire/frames.ts";
import {
  readUnsignedVarint,
  unsignedVarintSize,
  writeUnsignedVarint,
} from "../../src/protocols/kafka/wire/varint.ts";
import {
  batches,
  compressionBombs,
  everyRequest,
  kafkaConversations,
  recordedRequests,
} from "../conversations/kafka.ts";
import { batchFormat, kafkaFormat } from "../formats/kafka.ts";
import { plainFormat } from "../mutate.ts";
import { codecAllocation, promise, refusable, seedsOf, type Target } from "../target.ts";
import { piecesOf } from "./redis-wire.ts";

export const kafkaRequests: Target = {
  name: "kafka-requests",
  weight: 24,
  format: kafkaFormat,
  seeds: () => seedsOf(kafkaFormat, [...everyRequest(3), ...recordedRequests()]),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      refusable(() => {
        const request = decodeRequest(input, Math.min(4, input.length), input.length);
        if (request.name === null) return;
        // What was understood can be said again, and is understood in the same way.
        const writer = new ByteWriter();
        encodeRequest(writer, request.name, request, request.body as never);
        const again = decodeRequest(writer.buffer, 4, writer.length);
        promise(again.name === request.name && again.version === request.version, "said again it is another");
      });
    },
  }),
};

const framesBytesMax = 1 << 20;

function frames(pieces: readonly Buffer[]): string {
  const splitter = new FrameSplitter(framesBytesMax);
  let seen = "";
  try {
    for (const piece of pieces) {
      splitter.push(piece);
      while (splitter.next()) {
        const { buffer, start, end } = splitter;
        promise(start >= 0 && end <= buffer.length, "a frame lies outside its buffer");
        seen += `/${end - start}:${crc32(buffer, start, end)}`;
      }
      piece.fill(0xdb);
    }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return `${seen} ${error.code}`;
  }
  return `${seen} ${splitter.bytesPending}`;
}

export const kafkaFrames: Target = {
  name: "kafka-frames",
  weight: 6,
  format: kafkaFormat,
  seeds: () => seedsOf(kafkaFormat, kafkaConversations().slice(0, 30)),
  // Requests are gathered in buffers of 128 KiB at first.
  bytesAllocatedMax: [512 << 10, 64],
  open: () => ({
    run(input) {
      const whole = frames([Buffer.from(input)]);
      const cut = frames(piecesOf(input, new Seeded(crc32(input, 0, input.length))));
      promise(whole === cut, `whole it reads ${whole.slice(0, 200)}, in pieces ${cut.slice(0, 200)}`);
    },
  }),
};

const decompressedBytesMax = 1 << 20;
const batchesWalkedMax = 4;
const rules = { zstdAllowed: true, recordsChecked: true, keysRequired: false, decompressedBytesMax };

/** Walks all records and headers; each lies in the bytes. */
export function walkBatch(batch: KafkaBatch, cursor: RecordCursor): number {
  cursor.open(batch, decompressedBytesMax);
  const isWithin = batch.codec === 0 || cursor.buffer.length <= decompressedBytesMax;
  promise(isWithin, `decompressed to ${cursor.buffer.length} bytes`);
  let count = 0;
  while (cursor.next()) {
    count++;
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor;
    promise(keyStart <= keyEnd && keyEnd <= buffer.length, "a key lies outside");
    promise(valueStart <= valueEnd && valueEnd <= buffer.length, "a value lies outside");
    while (cursor.nextHeader()) {
      promise(
        cursor.headerKeyStart <= cursor.headerKeyEnd && cursor.headerKeyEnd <= buffer.length,
        "a header lies outside",
      );
      promise(cursor.headerValueEnd <= buffer.length, "a header's value lies outside");
    }
  }
  return count;
}

export const kafkaBatches: Target = {
  name: "kafka-batches",
  weight: 12,
  format: batchFormat,
  seeds: () => seedsOf(batchFormat, [...batches(), ...compressionBombs()]),
  // Compressors give out blocks of 64 KiB, up to what each batch of an input may decompress to.
  bytesAllocatedMax: [32 << 20, 64],
  open: () => {
    const batch = new KafkaBatch();
    const cursor = new RecordCursor();
    return {
      run(input) {
        if (validateProduced(batch, input, rules) === null) {
          promise(
            walkBatch(batch, cursor) === batch.recordCount,
            "a sound batch has not as many records as it says",
          );
        }
        refusable(() => {
          batch.reset(input);
          // Each may become as large as it is allowed to be: a few say all.
          for (let i = 0; i < batchesWalkedMax && batch.next(); i++) {
            refusable(() => void walkBatch(batch, cursor));
          }
        });
      },
    };
  },
};

export const varints: Target = {
  name: "varints",
  weight: 4,
  format: plainFormat,
  seeds: () =>
    seedsOf(
      plainFormat,
      [0, 1, 127, 128, 16_383, 16_384, 2 ** 21, 2 ** 28, 2 ** 31 - 1].map((value) => {
        const writer = new ByteWriter();
        writeUnsignedVarint(writer, value);
        return writer.copy();
      }),
    ),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      refusable(() => {
        const reader = new ByteReader(input);
        const value = readUnsignedVarint(reader);
        promise(value >= 0 && Number.isSafeInteger(value), `a varint is ${value}`);
        promise(unsignedVarintSize(value) <= reader.position, "a varint takes more bytes than it came in");
      });
    },
  }),
};
