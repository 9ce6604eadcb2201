/** Record batches: header, records, validation, builder; against two client libraries' encoders and decoders. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import * as platformatic from "@platformatic/kafka";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { BrokerError } from "../../../src/base/errors.ts";
import { codecs, compress } from "../../../src/message/kafka/compression.ts";
import { attributeBits, batchHeaderBytes, KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { KafkaBatchBuilder } from "../../../src/message/kafka/batch-builder.ts";
import { controlTypeOf, controlTypes, RecordCursor } from "../../../src/message/kafka/batch-records.ts";
import type { BatchRules } from "../../../src/message/kafka/batch-validate.ts";
import { validateProduced } from "../../support/kafka-validate.ts";
import { putInt32, putInt64, unzigzag, varintSize, writeVarint } from "../../../src/message/kafka/varint.ts";

const require = createRequire(import.meta.url);
const time = 1_700_000_000_000;
const bytesMax = 1024 * 1024;
const rules: BatchRules = {
  zstdAllowed: true,
  recordsChecked: true,
  keysRequired: false,
  decompressedBytesMax: bytesMax,
};

interface Message {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: [string, string | null][];
}

function readAll(batch: KafkaBatch): Message[] {
  const cursor = new RecordCursor().open(batch, bytesMax);
  const text = (start: number, end: number): string | null =>
    start < 0 ? null : cursor.buffer.toString("utf8", start, end);
  const messages: Message[] = [];
  while (cursor.next()) {
    const headers: [string, string | null][] = [];
    const message = {
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: text(cursor.keyStart, cursor.keyEnd),
      value: text(cursor.valueStart, cursor.valueEnd),
      headers,
    };
    while (cursor.nextHeader()) {
      headers.push([
        text(cursor.headerKeyStart, cursor.headerKeyEnd)!,
        text(cursor.headerValueStart, cursor.headerValueEnd),
      ]);
    }
    messages.push(message);
  }
  assert.equal(cursor.bytesLeft, 0);
  return messages;
}

function first(bytes: Buffer): KafkaBatch {
  const batch = new KafkaBatch().reset(bytes);
  assert.equal(batch.next(), true);
  return batch;
}

function build(messages: readonly Message[], baseOffset = messages[0]!.offset, attributes = 0): Buffer {
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder().begin(writer, {
    baseOffset,
    baseTimestamp: messages[0]!.timestamp,
    partitionLeaderEpoch: 3,
    attributes,
  });
  for (const message of messages) {
    for (const [name, value] of message.headers)
      builder.header(name, value === null ? null : Buffer.from(value));
    // What is not set is null.
    if (message.key !== null) builder.key(Buffer.from(message.key));
    builder.value(message.value === null ? null : Buffer.from(message.value));
    builder.record(message.offset, message.timestamp);
  }
  assert.equal(builder.sizeBytes, writer.length);
  assert.equal(builder.finish(), writer.length);
  return writer.copy();
}

const messagesArbitrary = fc
  .array(
    fc.record({
      timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
      key: fc.option(fc.string({ maxLength: 200 })),
      value: fc.option(fc.string({ unit: "grapheme", maxLength: 300 })),
      headers: fc.array(fc.tuple(fc.string({ maxLength: 20 }), fc.option(fc.string({ maxLength: 20 }))), {
        maxLength: 3,
      }),
      gap: fc.integer({ min: 1, max: 1000 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((records): Message[] => {
    let offset = 2 ** 40;
    return records.map(({ gap, ...record }) => ({ ...record, offset: (offset += gap) }));
  });

/** A contiguous batch as a producer sends it, and the means to break it with a right checksum. */
const produced: Message[] = [0, 1, 2].map((i) => ({
  offset: i,
  timestamp: time + i,
  key: i === 1 ? null : `k${i}`,
  value: `value ${i}`,
  headers: [["h", "x"]],
}));

function patched(change: (bytes: Buffer) => void): Buffer {
  const bytes = build(produced);
  change(bytes);
  seal(bytes);
  return bytes;
}

/** Gives changed bytes a right checksum. */
function seal(bytes: Buffer): void {
  const { crc32c } = require("@node-rs/crc32") as { crc32c: (bytes: Uint8Array) => number };
  putInt32(bytes, 17, crc32c(bytes.subarray(21)));
}

function compressed(codec: number): Buffer {
  const plain = build(produced);
  const bytes = Buffer.concat([
    plain.subarray(0, batchHeaderBytes),
    compress(codec, plain.subarray(batchHeaderBytes)),
  ]);
  bytes[22] = codec;
  putInt32(bytes, 8, bytes.length - 12);
  seal(bytes);
  return bytes;
}

describe("batches that we build", () => {
  test("read back as they were written, gaps and nulls and all", () => {
    fc.assert(
      fc.property(messagesArbitrary, (messages) => {
        const bytes = build(messages);
        const batch = first(bytes);
        assert.equal(batch.hasValidChecksum(), true);
        assert.equal(batch.recordCount, messages.length);
        assert.equal(batch.baseOffset, messages[0]!.offset);
        assert.equal(batch.lastOffset, messages.at(-1)!.offset);
        assert.equal(batch.maxTimestamp, Math.max(...messages.map((message) => message.timestamp)));
        assert.equal(batch.partitionLeaderEpoch, 3);
        assert.deepEqual([batch.producerId, batch.producerEpoch, batch.baseSequence], [-1, -1, -1]);
        assert.deepEqual(readAll(batch), messages);
      }),
    );
  });

  test("are read by @platformatic/kafka and kafkajs", async () => {
    const bytes = build(produced);
    const [theirs] = platformatic.readRecordsBatches(platformatic.Reader.from(bytes)) as unknown as [
      { firstOffset: bigint; records: { offsetDelta: number; value: Buffer; key: Buffer }[] },
    ];
    assert.deepEqual(
      theirs.records.map((record) => record.value.toString()),
      produced.map((m) => m.value),
    );

    const Decoder = require("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => {
      readInt64(): { toString(): string };
      slice(size: number): unknown;
      readInt32(): number;
      offset: number;
    };
    const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (
      decoder: unknown,
    ) => Promise<{ records: { offset: string; key: Buffer | null; headers: Record<string, Buffer> }[] }>;
    const { records } = await decodeBatch(new Decoder(bytes));
    assert.deepEqual(
      records.map((record) => Number(record.offset)),
      [0, 1, 2],
    );
    assert.deepEqual(
      records.map((record) => record.key?.toString() ?? null),
      ["k0", null, "k2"],
    );
    assert.equal(records[0]!.headers["h"]!.toString(), "x");
  });

  test("a last offset beyond the records is kept", () => {
    const writer = new ByteWriter();
    const builder = new KafkaBatchBuilder();
    builder.begin(writer, { baseOffset: 5, baseTimestamp: time, partitionLeaderEpoch: 0 });
    builder.value(Buffer.from("xaby"), 1, 3).record(6, time).finish(9);
    const batch = first(writer.copy());
    assert.deepEqual([batch.baseOffset, batch.lastOffset], [5, 9]);
    assert.deepEqual(
      readAll(batch).map((message) => message.value),
      ["ab"],
    );
    builder.begin(writer, { baseOffset: 5, baseTimestamp: time, partitionLeaderEpoch: 0 });
    assert.throws(() => builder.record(4, time), BrokerError);
    assert.throws(() => builder.finish(), BrokerError);
  });
});

describe("batches from clients", () => {
  for (const [name, codec] of Object.entries(codecs)) {
    test(`@platformatic/kafka, ${name}`, () => {
      const source = produced.map((message) => ({
        topic: "t",
        partition: 0,
        key: message.key === null ? null : Buffer.from(message.key),
        value: Buffer.from(message.value!),
        timestamp: BigInt(message.timestamp),
        headers: new Map(message.headers.map(([k, v]) => [Buffer.from(k), Buffer.from(v!)])),
      }));
      const encoded = platformatic.createRecordsBatch(source as never, { compression: name } as never);
      const bytes = Buffer.from(encoded.buffer);
      const batch = new KafkaBatch();
      assert.equal(validateProduced(batch, bytes, rules), null);
      assert.equal(batch.codec, codec);
      assert.deepEqual(readAll(batch), produced);
    });
  }

  test("kafkajs, none and gzip", async () => {
    for (const compression of [codecs.none, codecs.gzip]) {
      const request = require("kafkajs/src/protocol/requests/produce/v7/request.js") as (args: unknown) => {
        encode(): Promise<{ buffer: Buffer }>;
      };
      const messages = produced.map((message) => ({
        ...message,
        headers: Object.fromEntries(message.headers),
      }));
      const topicData = [{ topic: "t", partitions: [{ partition: 0, messages }] }];
      const { buffer } = await request({ acks: 1, timeout: 1, compression, topicData }).encode();
      // transactional id, acks, timeout, counts, topic, partition, size
      const bytes = buffer.subarray(2 + 2 + 4 + 4 + 3 + 4 + 4 + 4);
      const batch = new KafkaBatch();
      assert.equal(validateProduced(batch, bytes, rules), null);
      assert.deepEqual(readAll(batch), produced);
    }
  });

  test("snappy framed as Java clients do, lz4, zstd", () => {
    for (const codec of [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd]) {
      const bytes = compressed(codec);
      assert.equal(validateProduced(new KafkaBatch(), bytes, rules), null);
      assert.deepEqual(readAll(first(bytes)), produced);
    }
  });
});

describe("walking and patching", () => {
  test("several batches, the last one cut off", () => {
    const one = build(produced);
    const two = build(produced.map((message) => ({ ...message, offset: message.offset + 100 })));
    const all = Buffer.concat([one, two]);
    for (let cut = 0; cut <= all.length; cut++) {
      const batch = new KafkaBatch().reset(all.subarray(0, cut));
      const offsets: number[] = [];
      while (batch.next()) offsets.push(batch.baseOffset);
      const whole = cut === all.length ? 2 : cut >= one.length ? 1 : 0;
      assert.deepEqual(offsets, [0, 100].slice(0, whole));
      assert.equal(batch.truncatedBytes, cut - [0, one.length, all.length][whole]!);
    }
  });

  test("a length that no batch can have is refused", () => {
    const bytes = build(produced);
    for (const length of [-1, 0, 13, 48]) {
      putInt32(bytes, 8, length);
      const batch = new KafkaBatch().reset(bytes);
      assert.throws(
        () => batch.next(),
        (error) => error instanceof BrokerError && error.code === "MALFORMED",
      );
    }
  });

  test("its place in the log does not touch the checksum, log append time renews it", () => {
    const batch = first(build(produced));
    batch.setPlace(2 ** 40 + 5, 9);
    assert.equal(batch.hasValidChecksum(), true);
    assert.equal(batch.partitionLeaderEpoch, 9);
    assert.deepEqual(
      readAll(batch).map((message) => message.offset),
      [0, 1, 2].map((i) => 2 ** 40 + 5 + i),
    );
    batch.setLogAppendTime(time + 999);
    assert.equal(batch.hasValidChecksum(), true);
    assert.equal(batch.isLogAppendTime, true);
    assert.deepEqual(new Set(readAll(batch).map((message) => message.timestamp)), new Set([time + 999]));
  });

  test("control batches", () => {
    const writer = new ByteWriter();
    new KafkaBatchBuilder()
      .begin(writer, {
        baseOffset: 7,
        baseTimestamp: time,
        partitionLeaderEpoch: 0,
        attributes: attributeBits.transactional | attributeBits.control,
        producerId: 2 ** 33,
        producerEpoch: 4,
      })
      .key(Buffer.from("00000001", "hex"))
      .value(Buffer.from("000000000000", "hex"))
      .record(7, time)
      .finish();
    const batch = first(writer.copy());
    assert.deepEqual([batch.isTransactional, batch.isControl], [true, true]);
    assert.deepEqual([batch.producerId, batch.producerEpoch], [2 ** 33, 4]);
    const cursor = new RecordCursor().open(batch, bytesMax);
    assert.equal(cursor.next(), true);
    assert.equal(controlTypeOf(cursor), controlTypes.commit);
  });
});

describe("validation of what producers send", () => {
  const check = (bytes: Buffer | null, changed: Partial<BatchRules> = {}): string | null =>
    validateProduced(new KafkaBatch(), bytes, { ...rules, ...changed })?.error ?? null;

  test("each fault has Kafka's error", () => {
    const sound = build(produced);
    assert.equal(check(sound), null);
    assert.equal(check(null), "INVALID_RECORD");
    assert.equal(check(Buffer.alloc(0)), "INVALID_RECORD");
    assert.equal(check(sound.subarray(0, -1)), "INVALID_RECORD");
    assert.equal(check(Buffer.concat([sound, sound])), "INVALID_RECORD");
    assert.equal(check(patched((bytes) => putInt32(bytes, 8, 20))), "CORRUPT_MESSAGE");
    for (const magic of [0, 1, 3])
      assert.equal(check(patched((bytes) => (bytes[16] = magic))), "INVALID_RECORD");
    const flipped = Buffer.from(sound);
    flipped[flipped.length - 1]! ^= 1;
    assert.equal(check(flipped), "CORRUPT_MESSAGE");
    assert.equal(check(patched((bytes) => (bytes[22] = 5))), "UNSUPPORTED_COMPRESSION_TYPE");
    assert.equal(check(compressed(codecs.zstd), { zstdAllowed: false }), "UNSUPPORTED_COMPRESSION_TYPE");
    assert.equal(check(compressed(codecs.gzip), { decompressedBytesMax: 10 }), "MESSAGE_TOO_LARGE");
    assert.equal(check(patched((bytes) => (bytes[22] = codecs.gzip))), "CORRUPT_MESSAGE");
    assert.equal(check(patched((bytes) => putInt32(bytes, 23, 5))), "INVALID_RECORD");
    assert.equal(check(patched((bytes) => putInt32(bytes, 57, 0))), "INVALID_RECORD");
    assert.equal(check(patched((bytes) => (bytes[22] = attributeBits.control))), "INVALID_RECORD");
    assert.equal(check(patched((bytes) => (bytes[22] = attributeBits.logAppendTime))), "INVALID_TIMESTAMP");
    assert.equal(check(patched((bytes) => putInt64(bytes, 43, 5))), "INVALID_RECORD");
    assert.equal(check(sound, { keysRequired: true }), "INVALID_RECORD");
    // Two records announced where three are.
    const fewer = patched((bytes) => {
      putInt32(bytes, 57, 2);
      putInt32(bytes, 23, 1);
    });
    assert.equal(check(fewer), "INVALID_RECORD");
    assert.equal(check(fewer, { recordsChecked: false }), null);
    const many = patched((bytes) => {
      putInt32(bytes, 57, 0x7fff_ffff);
      putInt32(bytes, 23, 0x7fff_fffe);
    });
    assert.equal(check(many, { recordsChecked: false }), "INVALID_RECORD");
    // Offsets with a gap.
    assert.equal(check(build([produced[0]!, produced[2]!])), "INVALID_RECORD");
  });

  test("random records with a right checksum never get past it, nor out of bounds", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), (where, byte) => {
        const bytes = patched((target) => {
          target[batchHeaderBytes + (where % (target.length - batchHeaderBytes))] = byte;
        });
        const batch = new KafkaBatch();
        if (validateProduced(batch, bytes, rules) === null) readAll(batch);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("varints", () => {
  test("known values", () => {
    const known: [number, string][] = [
      [0, "00"],
      [-1, "01"],
      [1, "02"],
      [63, "7e"],
      [-64, "7f"],
      [64, "8001"],
      [300, "d804"],
      [2 ** 31 - 1, "feffffff0f"],
      [-(2 ** 31), "ffffffff0f"],
    ];
    for (const [value, hex] of known) {
      const writer = new ByteWriter();
      writeVarint(writer, value);
      assert.equal(writer.view().toString("hex"), hex);
      assert.equal(varintSize(value), hex.length / 2);
    }
  });

  test("zigzag is its own inverse up to 2^52", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (value) => {
        assert.equal(unzigzag(value >= 0 ? value * 2 : -value * 2 - 1), value);
      }),
    );
  });
});
