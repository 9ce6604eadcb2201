import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import {
  type AmqpProperties,
  readProperties,
  writeProperties,
} from "../../../src/message/amqp/properties.ts";
import { expirationMs, PropertyOffsets } from "../../../src/message/amqp/property-offsets.ts";
import { readFieldTable } from "../../../src/message/amqp/table.ts";
import type { AmqpText } from "../../../src/message/amqp/text.ts";
import { amqplib, amqplibTable, anyProperties, everyTruncation, hex, vectors } from "./amqp-support.ts";

function encode(properties: AmqpProperties): Buffer {
  const writer = new ByteWriter(1);
  writeProperties(writer, properties);
  return writer.copy();
}

function decode(bytes: Buffer): AmqpProperties {
  return readProperties(new ByteReader(bytes));
}

/** Compares what the walk found with the full decode. */
function assertOffsets(bytes: Buffer, properties: AmqpProperties): void {
  const shifted = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]);
  const offsets = new PropertyOffsets();
  // First with every property set, so that something left over from another message would show.
  offsets.walk(hex("fffc 00 00 00000000 00 00 00 00 00 00 0000000000000000 00 00 00 00"), 0, 26);
  offsets.walk(shifted, 6, 6 + bytes.length);
  const slice = (start: number, end: number, value: AmqpText | undefined): void => {
    if (value === undefined) assert.equal(start, -1);
    else assert.deepEqual(Buffer.from(shifted.subarray(start, end)), Buffer.from(value as string));
  };
  slice(offsets.correlationIdStart, offsets.correlationIdEnd, properties.correlationId);
  slice(offsets.replyToStart, offsets.replyToEnd, properties.replyTo);
  slice(offsets.expirationStart, offsets.expirationEnd, properties.expiration);
  slice(offsets.messageIdStart, offsets.messageIdEnd, properties.messageId);
  slice(offsets.userIdStart, offsets.userIdEnd, properties.userId);
  assert.equal(offsets.deliveryMode, properties.deliveryMode ?? -1);
  assert.equal(offsets.isPersistent, properties.deliveryMode === 2);
  assert.equal(offsets.priority, properties.priority ?? -1);
  assert.equal(offsets.timestampSeconds, Number(properties.timestamp ?? -1));
  if (properties.headers === undefined) assert.equal(offsets.headersStart, -1);
  else {
    const reader = new ByteReader(shifted, offsets.headersStart - 4, offsets.headersEnd);
    assert.deepEqual(readFieldTable(reader), properties.headers);
    assert.equal(reader.remaining, 0);
  }
}

for (const vector of vectors<{ properties: AmqpProperties }>("properties.json")) {
  test(`${vector.name}: bytes checked by hand`, () => {
    const bytes = hex(vector.hex);
    assert.deepEqual(decode(bytes), vector.properties);
    assert.deepEqual(encode(vector.properties), bytes);
    assert.deepEqual(encode(decode(bytes)), bytes);
    assertOffsets(bytes, vector.properties);
    const fail = (size: number, error: unknown): void => assert.fail(`cut to ${size}: ${String(error)}`);
    everyTruncation(bytes, decode, fail);
    everyTruncation(bytes, (part) => new PropertyOffsets().walk(part, 0, part.length), fail);
    const longer = Buffer.concat([bytes, Buffer.from([0])]);
    assert.throws(() => decode(longer), { code: "MALFORMED" });
    assert.throws(() => new PropertyOffsets().walk(longer, 0, longer.length), { code: "MALFORMED" });
  });
}

test("properties come back as they were, and the walk finds each", () => {
  fc.assert(
    fc.property(anyProperties(false), (properties) => {
      const bytes = encode(properties);
      assert.deepEqual(decode(bytes), properties);
      assert.deepEqual(encode(decode(bytes)), bytes);
      assertOffsets(bytes, properties);
    }),
    { numRuns: 500 },
  );
});

test("amqplib writes the same bytes", () => {
  fc.assert(
    fc.property(anyProperties(true), (properties) => {
      const fields: Record<string, unknown> = { ...properties };
      if (properties.headers !== undefined) fields.headers = amqplibTable(properties.headers);
      const frame = amqplib.encodeProperties(60, 1, 0, fields);
      // Frame head, class id, weight and body size come before the flags.
      assert.deepEqual(encode(properties), Buffer.from(frame.subarray(7 + 12, -1)));
    }),
    { numRuns: 300 },
  );
});

test("the walk accepts no less and no more than the decoder, but for what is inside headers", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 0, max: 0xffff }), (tail, flags) => {
      const bytes = Buffer.concat([Buffer.from([flags >>> 8, flags & 0xdf]), Buffer.from(tail)]);
      bytes[0]! &= 0xdf; // no headers
      const code = (action: () => unknown): string => {
        try {
          action();
          return "fine";
        } catch (error) {
          return String((error as { code?: string }).code);
        }
      };
      const decoded = code(() => decode(bytes));
      assert.match(decoded, /^(fine|MALFORMED)$/);
      assert.equal(
        code(() => new PropertyOffsets().walk(bytes, 0, bytes.length)),
        decoded,
      );
    }),
    { numRuns: 2000 },
  );
});

test("an expiration is milliseconds in digits", () => {
  const of = (expiration: string): number => {
    const bytes = encode({ expiration });
    return expirationMs(new PropertyOffsets().walk(bytes, 0, bytes.length));
  };
  assert.equal(of("0"), 0);
  assert.equal(of("60000"), 60_000);
  for (const wrong of ["", "-1", "1.5", " 1", "1s", "0x10"]) assert.equal(of(wrong), -1, wrong);
  const none = encode({});
  assert.equal(expirationMs(new PropertyOffsets().walk(none, 0, none.length)), -1);
});
