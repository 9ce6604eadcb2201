import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import {
  AmqpRecordParts,
  readAmqpRecord,
  encodeHiddenKeys,
  hiddenKeysOf,
  writeAmqpRecord,
  writeRecordBody,
  writeRecordHeader,
  writeRecordRoute,
} from "../../../src/message/amqp/record.ts";
import { type AmqpProperties, readProperties } from "../../../src/message/amqp/properties.ts";
import { frameEnd, frameType } from "../../../src/protocols/amqp/wire/constants.ts";
import {
  ContentHeader,
  PublishFields,
  SettleFields,
} from "../../../src/protocols/amqp/wire/content-input.ts";
import {
  writeAck,
  writeDeliver,
  writeGetOk,
  writeNack,
  writeReturn,
} from "../../../src/protocols/amqp/wire/content-output.ts";
import { FrameParser } from "../../../src/protocols/amqp/wire/frame-parser.ts";
import { methodNumberAt } from "../../../src/protocols/amqp/wire/method-codec.ts";
import { type MethodName, methodNumber } from "../../../src/protocols/amqp/wire/methods.ts";
import { amqplib, amqplibTable, anyProperties, everyTruncation, hex, shortText } from "./amqp-support.ts";

interface Message {
  exchange: string;
  routingKey: string;
  properties: AmqpProperties;
  body: Buffer;
}

const anyMessage: fc.Arbitrary<Message> = fc.record({
  exchange: shortText,
  routingKey: shortText,
  properties: anyProperties(true),
  body: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
});

function peerMethod(name: MethodName, channel: number, fields: object): Buffer {
  return Buffer.from(amqplib.encodeMethod(methodNumber(name), channel, fields));
}

/** Header and body frames as amqplib writes them. */
function peerContent(channel: number, { properties, body }: Message, frameMax: number): Buffer {
  const fields: Record<string, unknown> = { ...properties };
  if (properties.headers !== undefined) fields.headers = amqplibTable(properties.headers);
  const frames: Buffer[] = [Buffer.from(amqplib.encodeProperties(60, channel, body.length, fields))];
  for (let start = 0; start < body.length; start += frameMax - 8) {
    const piece = body.subarray(start, start + frameMax - 8);
    const head = Buffer.alloc(7);
    head.writeUInt8(frameType.body, 0);
    head.writeUInt16BE(channel, 1);
    head.writeUInt32BE(piece.length, 3);
    frames.push(head, piece, Buffer.from([frameEnd]));
  }
  return Buffer.concat(frames);
}

/** Takes a publish from the wire into a record, frame by frame, as a session does. */
function recordFromWire(wire: Buffer, chunkSize: number): Buffer {
  const parser = new FrameParser();
  parser.frameMax = 131_072;
  const publish = new PublishFields();
  const header = new ContentHeader();
  const record = new ByteWriter(1);
  let missing = -1;
  for (let start = 0; start < wire.length; start += chunkSize) {
    const chunk = Buffer.from(wire.subarray(start, start + chunkSize));
    parser.push(chunk);
    while (parser.next()) {
      const { bytes, payloadStart, payloadEnd } = parser;
      if (parser.type === frameType.method) {
        assert.equal(methodNumberAt(bytes, payloadStart, payloadEnd), methodNumber("basic.publish"));
        publish.read(bytes, payloadStart, payloadEnd);
        writeRecordRoute(record, bytes, publish.routeStart, publish.routeEnd);
      } else if (parser.type === frameType.header) {
        header.read(bytes, payloadStart, payloadEnd);
        writeRecordHeader(record, bytes, header.headerStart, header.headerEnd);
        missing = header.bodySize;
      } else {
        writeRecordBody(record, bytes, payloadStart, payloadEnd);
        missing -= payloadEnd - payloadStart;
      }
    }
    parser.settle();
    chunk.fill(0xee);
  }
  assert.equal(missing, 0);
  return record.copy();
}

function publishWire(message: Message, frameMax: number): Buffer {
  const fields = { exchange: message.exchange, routingKey: message.routingKey, mandatory: true };
  return Buffer.concat([peerMethod("basic.publish", 3, fields), peerContent(3, message, frameMax)]);
}

test("a publish from amqplib becomes a record, and the record what amqplib reads", () => {
  const parts = new AmqpRecordParts();
  fc.assert(
    fc.property(
      anyMessage,
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 9, max: 300 }),
      fc.maxSafeInteger().map((value) => Math.abs(value)),
      fc.boolean(),
      (message, chunkSize, frameMax, deliveryTag, redelivered) => {
        const record = recordFromWire(publishWire(message, frameMax), chunkSize);
        const stored = Buffer.concat([Buffer.from("before"), record, Buffer.from("after")]);
        readAmqpRecord(stored, 6, 6 + record.length, parts);
        const text = (start: number, end: number): string => stored.toString("utf8", start, end);
        assert.equal(text(parts.exchangeStart, parts.exchangeEnd), message.exchange);
        assert.equal(text(parts.routingKeyStart, parts.routingKeyEnd), message.routingKey);
        const properties = readProperties(new ByteReader(stored, parts.propertiesStart, parts.headerEnd));
        assert.deepEqual({ ...properties }, { ...message.properties });
        assert.deepEqual(Buffer.from(stored.subarray(parts.bodyStart, parts.bodyEnd)), message.body);
        const again = new ByteWriter(1);
        writeAmqpRecord(again, parts);
        assert.deepEqual(again.copy(), record);
        assert.deepEqual(hiddenKeysOf(parts), []);

        const { exchange, routingKey } = message;
        const to = { channel: 9, frameMax };
        const content = peerContent(9, message, frameMax);
        const written = (write: (writer: ByteWriter) => void): Buffer => {
          const writer = new ByteWriter(1);
          write(writer);
          return writer.copy();
        };
        const consumer = { ...to, consumerTag: Buffer.from("\x03tag") };
        assert.deepEqual(
          written((writer) => writeDeliver(writer, consumer, deliveryTag, redelivered, parts)),
          Buffer.concat([
            peerMethod("basic.deliver", 9, {
              consumerTag: "tag",
              deliveryTag,
              redelivered,
              exchange,
              routingKey,
            }),
            content,
          ]),
        );
        const delivery = { deliveryTag, redelivered, messageCount: 4_000_000_000 };
        assert.deepEqual(
          written((writer) => writeGetOk(writer, to, delivery, parts)),
          Buffer.concat([peerMethod("basic.get-ok", 9, { ...delivery, exchange, routingKey }), content]),
        );
        const reply = { replyCode: 312, replyText: "NO_ROUTE", exchange, routingKey };
        assert.deepEqual(
          written((writer) => writeReturn(writer, to, { code: 312, text: "NO_ROUTE" }, parts)),
          Buffer.concat([peerMethod("basic.return", 9, reply), content]),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test("a delivery, byte by byte", () => {
  const record = hex("02 6578 | 03 612e62 | 0000000b | 0000000000000005 1000 02 | 68656c6c6f");
  const writer = new ByteWriter(1);
  const consumer = { channel: 1, consumerTag: hex("01 74"), frameMax: 11 };
  writeDeliver(
    writer,
    consumer,
    2 ** 32 + 1,
    true,
    readAmqpRecord(record, 0, record.length, new AmqpRecordParts()),
  );
  const expected = [
    "01 0001 00000016 | 003c 003c 01 74 0000000100000001 01 02 6578 03 612e62 | ce",
    "02 0001 0000000f | 003c 0000 0000000000000005 1000 02 | ce",
    "03 0001 00000003 | 68656c | ce",
    "03 0001 00000002 | 6c6f | ce",
  ];
  assert.deepEqual(writer.copy(), hex(expected.join("")));
});

test("an empty body has no body frame", () => {
  const record = hex("00 00 | 0000000a | 0000000000000000 0000");
  const parts = readAmqpRecord(record, 0, record.length, new AmqpRecordParts());
  const writer = new ByteWriter();
  writeDeliver(writer, { channel: 1, consumerTag: hex("00"), frameMax: 4096 }, 1, false, parts);
  const method = "01 0001 00000010 003c 003c 00 0000000000000001 00 00 00 ce";
  assert.deepEqual(writer.copy(), hex(`${method} 02 0001 0000000e 003c 0000 0000000000000000 0000 ce`));
});

test("publish bits and places", () => {
  for (const [bits, mandatory, immediate] of [
    [0, false, false],
    [1, true, false],
    [2, false, true],
    [3, true, true],
  ] as const) {
    const bytes = hex(`ffff 003c 0028 0000 02 6578 03 612e62 0${bits} ffff`);
    const fields = new PublishFields().read(bytes, 2, bytes.length - 2);
    assert.deepEqual(Object.fromEntries(Object.entries(fields)), {
      routeStart: 8,
      routeEnd: 15,
      exchangeStart: 9,
      exchangeEnd: 11,
      routingKeyStart: 12,
      routingKeyEnd: 15,
      mandatory,
      immediate,
    });
  }
});

test("ack, nack and reject in place", () => {
  const cases = [
    ["basic.ack", { deliveryTag: 5, multiple: true }],
    ["basic.ack", { deliveryTag: Number.MAX_SAFE_INTEGER, multiple: false }],
    ["basic.nack", { deliveryTag: 6, multiple: false, requeue: true }],
    ["basic.nack", { deliveryTag: 6, multiple: true, requeue: false }],
    ["basic.reject", { deliveryTag: 7, requeue: true }],
    ["basic.reject", { deliveryTag: 7, requeue: false }],
  ] as const;
  const fields = new SettleFields();
  for (const [name, values] of cases) {
    const payload = peerMethod(name, 1, values).subarray(7, -1);
    const number = methodNumberAt(payload, 0, payload.length);
    fields.read(payload, 0, payload.length, number);
    assert.deepEqual(
      Object.fromEntries(Object.entries(fields)),
      { multiple: false, requeue: false, ...values },
      name,
    );
    const longer = Buffer.concat([payload, Buffer.from([0])]);
    assert.throws(() => fields.read(longer, 0, longer.length, number), { code: "MALFORMED" });
  }
});

test("confirms as amqplib writes them", () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.maxSafeInteger(), fc.boolean(), (channel, tag, multiple) => {
      const deliveryTag = Math.abs(tag);
      const writer = new ByteWriter(1);
      writeAck(writer, channel, deliveryTag, multiple);
      writeNack(writer, channel, deliveryTag, multiple);
      const ack = peerMethod("basic.ack", channel, { deliveryTag, multiple });
      const nack = peerMethod("basic.nack", channel, { deliveryTag, multiple, requeue: false });
      assert.deepEqual(writer.copy(), Buffer.concat([ack, nack]));
    }),
  );
});

test("what is cut short or made longer is malformed, even with other bytes behind it", () => {
  const publish = hex("003c 0028 0000 02 6578 03 612e62 01");
  const header = hex("003c 0000 0000000000000005 0000");
  const settle = hex("003c 0050 0000000000000001 00");
  const record = hex("02 6578 | 03 612e62 | 0000000b | 0000000000000005 1000 02 | 68656c6c6f");
  const readers: [Buffer, (bytes: Buffer, end: number) => unknown][] = [
    [publish, (bytes, end) => new PublishFields().read(bytes, 0, end)],
    [header, (bytes, end) => new ContentHeader().read(bytes, 0, end)],
    [settle, (bytes, end) => new SettleFields().read(bytes, 0, end, SettleFields.ackNumber)],
    [record, (bytes, end) => readAmqpRecord(bytes, 0, end, new AmqpRecordParts())],
  ];
  for (const [bytes, read] of readers) {
    const fail = (size: number, error: unknown): void =>
      assert.fail(`${bytes.toString("hex")} at ${size}: ${String(error)}`);
    read(bytes, bytes.length);
    everyTruncation(bytes, (part) => read(part, part.length), fail);
    everyTruncation(bytes, (part) => read(Buffer.concat([part, Buffer.alloc(300)]), part.length), fail);
    everyTruncation(bytes, (part) => read(Buffer.concat([part, Buffer.alloc(300, 1)]), part.length), fail);
  }
  for (const [bytes, read] of [readers[0]!, readers[2]!, readers[3]!]) {
    const longer = Buffer.concat([bytes, Buffer.from([0])]);
    assert.throws(() => read(longer, longer.length), { code: "MALFORMED" });
  }
});

test("hidden keys lie behind the body; what is none there is refused", () => {
  const message: Message = { exchange: "e", routingKey: "k", properties: {}, body: Buffer.from("body") };
  const record = recordFromWire(publishWire(message, 300), 300);
  const keys = ["blind", "", "x".repeat(255)];
  const hidden = encodeHiddenKeys([...keys, "y".repeat(256)]);
  const whole = Buffer.concat([record, hidden]);
  const parts = readAmqpRecord(whole, 0, whole.length, new AmqpRecordParts());
  assert.deepEqual(hiddenKeysOf(parts), keys);
  assert.equal(whole.toString("latin1", parts.bodyStart, parts.bodyEnd), "body");
  const again = new ByteWriter(1);
  writeAmqpRecord(again, parts);
  assert.deepEqual(again.copy(), whole);
  assert.equal(encodeHiddenKeys([]).length, 0);
  const ends = new Set([record.length, record.length + 7, record.length + 8, whole.length]);
  for (let end = record.length - 1; end <= whole.length; end++) {
    const read = () => readAmqpRecord(whole, 0, end, new AmqpRecordParts());
    if (ends.has(end)) read();
    else assert.throws(read, { code: "MALFORMED" }, String(end));
  }
  whole[record.length] = 0;
  assert.throws(() => readAmqpRecord(whole, 0, whole.length, parts), { code: "MALFORMED" });
});

test("arbitrary records are read or refused, inside their bounds", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (array) => {
      const bytes = Buffer.from(array);
      try {
        const parts = readAmqpRecord(bytes, 0, bytes.length, new AmqpRecordParts());
        assert.ok(parts.routeEnd <= parts.headerStart && parts.headerEnd <= parts.bodyEnd);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "MALFORMED");
      }
    }),
    { numRuns: 2000 },
  );
});
