/** Single records out of stored batches: in any order, of any codec, and when a buffer gets other bytes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BrokerError } from "../../../src/base/errors.ts";
import { limits } from "../../../src/base/limits.ts";
import { AmqpView } from "../../../src/message/convert/as-amqp.ts";
import { RedisView } from "../../../src/message/convert/as-redis.ts";
import { codecs, compress } from "../../../src/message/kafka/compression.ts";
import { kafkaFrames } from "../../../src/message/convert/kafka-frame.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { batchHeaderBytes } from "../../../src/message/kafka/batch.ts";
import { bomb } from "../../support/kafka-bombs.ts";
import { kafkaBatch, shownAmqp, storedRecord } from "./message-support.ts";

const count = 200;

function compressedBatch(codec: number, mark: string): Buffer {
  const messages = Array.from({ length: count }, (_, index) => ({
    key: `k${index}`,
    value: `${mark}${index}`,
    headers: [["h", String(index)]] as const,
  }));
  const plain = kafkaBatch(messages, codec);
  const records = compress(codec, plain.subarray(batchHeaderBytes));
  const batch = Buffer.concat([plain.subarray(0, batchHeaderBytes), records]);
  batch.writeInt32BE(batch.length - 12, 8);
  return batch;
}

describe("a record of a stored batch", () => {
  for (const [name, codec] of Object.entries(codecs)) {
    it(`is found in any order, compressed with ${name}`, () => {
      const record = storedRecord(envelope.kafka, compressedBatch(codec, "v"));
      fc.assert(
        fc.property(fc.array(fc.nat(count - 1), { maxLength: 40, size: "max" }), (indexes) => {
          const view = new AmqpView();
          for (const index of indexes) {
            const shown = shownAmqp(view.show({ ...record, indexInFrame: index }));
            assert.equal(shown.body.toString(), `v${index}`);
            assert.equal(shown.routingKey, `k${index}`);
            assert.deepEqual(shown.properties.headers![1], {
              name: "h",
              field: { type: "S", value: String(index) },
            });
          }
        }),
        { numRuns: 20 },
      );
    });
  }

  it("is walked without starting over: forth and back in linear time", () => {
    const record = storedRecord(envelope.kafka, compressedBatch(codecs.gzip, "v"));
    const view = new AmqpView();
    // Once the batch is open its compressed bytes are not read again, so they may break.
    view.show({ ...record, indexInFrame: 0 });
    record.buffer.fill(0, record.start + batchHeaderBytes, record.end);
    for (let index = 0; index < count; index++) {
      assert.equal(shownAmqp(view.show({ ...record, indexInFrame: index })).routingKey, `k${index}`);
    }
    for (let index = count - 1; index >= 0; index--) {
      assert.equal(shownAmqp(view.show({ ...record, indexInFrame: index })).routingKey, `k${index}`);
    }
  });

  it("is found in several batches in turn without opening them again", () => {
    const records = Array.from({ length: 7 }, (_, i) =>
      storedRecord(envelope.kafka, compressedBatch(codecs.gzip, `batch ${i} `)),
    );
    const view = new AmqpView();
    for (let index = 0; index < count; index++) {
      for (const [i, record] of records.entries()) {
        const shown = shownAmqp(view.show({ ...record, indexInFrame: index }));
        assert.equal(shown.body.toString(), `batch ${i} ${index}`);
        if (index === 0) record.buffer.fill(0, record.start + batchHeaderBytes, record.end);
      }
    }
  });

  it("is of the bytes that are there now, when the buffer got another batch of the same size", () => {
    // Compressed, or what is read would be the new bytes whatever is remembered.
    const first = compressedBatch(codecs.gzip, "a");
    const marks = Array.from("bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const mark = marks.find((each) => compressedBatch(codecs.gzip, each).length === first.length)!;
    const second = compressedBatch(codecs.gzip, mark);
    second.writeUInt32BE((first.readUInt32BE(17) ^ 1) >>> 0, 17);
    const record = storedRecord(envelope.kafka, first);
    const view = new AmqpView();
    assert.equal(shownAmqp(view.show({ ...record, indexInFrame: 7 })).body.toString(), "a7");
    record.buffer.set(second, record.start);
    assert.equal(shownAmqp(view.show({ ...record, indexInFrame: 7 })).body.toString(), `${mark}7`);
  });

  it("that the batch does not have is CORRUPT", () => {
    const record = storedRecord(envelope.kafka, compressedBatch(codecs.none, "v"));
    const view = new AmqpView();
    assert.throws(
      () => view.show({ ...record, indexInFrame: count }),
      (error) => error instanceof BrokerError && error.code === "CORRUPT",
    );
  });
});

describe("batches that are kept decompressed", () => {
  const batchOf = (bytes: number) => storedRecord(envelope.kafka, bomb(codecs.zstd, bytes));

  it("are known again until larger ones need their room", () => {
    const view = new AmqpView();
    const large = Array.from({ length: 10 }, () => batchOf(limits.inflatedBytesKept / 4));
    const before = kafkaFrames.inflatedBytes;
    const inflated = (): number =>
      Math.round((kafkaFrames.inflatedBytes - before) / (limits.inflatedBytesKept / 4));
    for (const record of large) view.show(record);
    assert.equal(inflated(), 10);
    const kept = large.filter((record) => !kafkaFrames.inflates(record));
    assert.ok(kept.length >= 2 && kept.length <= 4, `${kept.length} are kept`);
    assert.ok(kept.includes(large.at(-1)!));
    for (const record of kept) view.show(record);
    assert.equal(inflated(), 10);
  });

  it("are kept once for all views", () => {
    const record = batchOf(1 << 20);
    new AmqpView().show(record);
    assert.equal(kafkaFrames.inflates(record), false);
    const before = kafkaFrames.inflatedBytes;
    new RedisView().entry(record);
    assert.equal(kafkaFrames.inflatedBytes, before);
  });
});
