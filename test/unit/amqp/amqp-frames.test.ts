import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { frameEnd, frameType } from "../../../src/protocols/amqp/wire/constants.ts";
import { writeHeartbeat } from "../../../src/protocols/amqp/wire/content-output.ts";
import { FrameParser, protocolHeader } from "../../../src/protocols/amqp/wire/frame-parser.ts";
import { InputBuffer } from "../../../src/protocols/amqp/wire/input-buffer.ts";
import { hex } from "./amqp-support.ts";

interface Frame {
  type: number;
  channel: number;
  payload: Buffer;
}

function frameBytes({ type, channel, payload }: Frame): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([frameEnd])]);
}

/** Feeds the chunks as a session does, each from memory that is overwritten afterwards. */
function parse(chunks: readonly Buffer[], frameMax = 4096): Frame[] {
  const parser = new FrameParser();
  parser.frameMax = frameMax;
  const frames: Frame[] = [];
  for (const original of chunks) {
    const chunk = Buffer.from(original);
    parser.push(chunk);
    while (parser.next()) {
      const payload = Buffer.from(parser.bytes.subarray(parser.payloadStart, parser.payloadEnd));
      frames.push({ type: parser.type, channel: parser.channel, payload });
    }
    parser.settle();
    chunk.fill(0xee);
  }
  return frames;
}

function split(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.map((position) => position % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.constant({ type: frameType.heartbeat, channel: 0, payload: Buffer.alloc(0) }),
  fc.record(
    {
      type: fc.constantFrom<number>(frameType.method, frameType.header, frameType.body),
      channel: fc.integer({ min: 0, max: 0xffff }),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  ),
);

test("frames cut anywhere are the same frames", () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 10 }),
      (frames, cuts) => {
        assert.deepEqual(parse(split(Buffer.concat(frames.map(frameBytes)), cuts)), frames);
      },
    ),
    { numRuns: 500 },
  );
});

test("frames cut at every byte position, and into single bytes", () => {
  const frames: Frame[] = [
    { type: frameType.method, channel: 1, payload: hex("003c 0028 0000 00 01 71 00") },
    { type: frameType.header, channel: 1, payload: hex("003c 0000 0000000000000002 0000") },
    { type: frameType.body, channel: 1, payload: hex("cece") },
    { type: frameType.heartbeat, channel: 0, payload: Buffer.alloc(0) },
    { type: frameType.body, channel: 0xffff, payload: Buffer.alloc(0) },
  ];
  const bytes = Buffer.concat(frames.map(frameBytes));
  for (let at = 0; at <= bytes.length; at++)
    assert.deepEqual(parse(split(bytes, [at])), frames, `cut at ${at}`);
  const single = [...bytes].map((byte) => Buffer.from([byte]));
  assert.deepEqual(parse(single), frames);
});

test("a whole frame in a chunk is not copied", () => {
  const chunk = frameBytes({ type: frameType.body, channel: 1, payload: Buffer.from("body") });
  const parser = new FrameParser();
  for (let round = 0; round < 2; round++) {
    parser.push(chunk);
    assert.ok(parser.next());
    assert.equal(parser.bytes, chunk);
    assert.equal(parser.payloadStart, 7);
    assert.equal(parser.next(), false);
    parser.settle();
  }
});

test("large frames arrive over many chunks", () => {
  const payload = Buffer.alloc(200_000);
  for (let i = 0; i < payload.length; i++) payload[i] = i % 251;
  const frames: Frame[] = [1, 2, 3].map((channel) => ({ type: frameType.body, channel, payload }));
  const bytes = Buffer.concat(frames.map(frameBytes));
  const cuts = Array.from({ length: 40 }, (_, i) => i * 16_384);
  assert.deepEqual(parse(split(bytes, cuts), payload.length), frames);
});

test("a paused session keeps the rest for later", () => {
  const frames = [1, 2, 3].map((channel) => ({ type: frameType.body, channel, payload: Buffer.from("x") }));
  const chunk = Buffer.concat(frames.map(frameBytes));
  const parser = new FrameParser();
  parser.push(chunk);
  assert.ok(parser.next());
  parser.settle();
  chunk.fill(0);
  parser.push(frameBytes({ type: frameType.body, channel: 4, payload: Buffer.from("y") }));
  const channels: number[] = [];
  while (parser.next()) channels.push(parser.channel);
  assert.deepEqual(channels, [2, 3, 4]);
});

test("malformed frames", () => {
  const body = frameBytes({ type: frameType.body, channel: 1, payload: Buffer.alloc(100) });
  const wrongEnd = Buffer.from(body);
  wrongEnd[wrongEnd.length - 1] = 0xcd;
  const cases: Record<string, Buffer> = {
    "wrong end": wrongEnd,
    "type 0": hex("00 0000 00000000 ce"),
    "type 4": hex("04 0001 00000000 ce"),
    "heartbeat with payload": hex("08 0000 00000001 00 ce"),
    "size beyond frame-max": hex("03 0001 00001001"),
    "size of 4 GiB": hex("03 0001 ffffffff"),
    HTTP: Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    assert.throws(() => parse([bytes]), { code: "MALFORMED" }, name);
    assert.throws(() => parse([...bytes].map((byte) => Buffer.from([byte]))), { code: "MALFORMED" }, name);
  }
});

test("a payload of frame-max itself is let pass, as RabbitMQ does", () => {
  const frame = { type: frameType.body, channel: 1, payload: Buffer.alloc(4096) };
  assert.deepEqual(parse([frameBytes(frame)], 4096), [frame]);
});

test("the protocol header: incomplete, accepted, mismatch", () => {
  assert.deepEqual(protocolHeader, hex("41 4d 51 50 00 00 09 01"));
  const parser = new FrameParser();
  parser.push(Buffer.from("AMQ"));
  assert.equal(parser.readProtocolHeader(), "incomplete");
  parser.settle();
  parser.push(Buffer.concat([protocolHeader.subarray(3), hex("08 0000 00000000 ce")]));
  assert.equal(parser.readProtocolHeader(), "accepted");
  assert.ok(parser.next());
  assert.equal(parser.type, frameType.heartbeat);
  for (const other of ["AMQP\x00\x01\x00\x00", "AMQP\x01\x01\x08\x00", "GET / HT", "*1\r\n$4\r\n"]) {
    const mismatch = new FrameParser();
    mismatch.push(Buffer.from(other, "latin1"));
    assert.equal(mismatch.readProtocolHeader(), "mismatch", JSON.stringify(other));
  }
});

test("a heartbeat is eight bytes", () => {
  const writer = new ByteWriter();
  writeHeartbeat(writer);
  assert.deepEqual(writer.copy(), hex("08 0000 00000000 ce"));
});

test("the input buffer gives what was pushed, in order, and keeps what was read until it settles", () => {
  const reads = fc.array(fc.nat({ max: 2000 }), { maxLength: 6 });
  const step = fc.record({ size: fc.nat({ max: 3000 }), reads, settle: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
      const input = new InputBuffer();
      let written = 0;
      let read = 0;
      for (const { size, reads: sizes, settle } of steps) {
        input.push(Buffer.from(Array.from({ length: size }, () => written++ & 0xff)));
        assert.equal(input.unread, written - read);
        const kept: { bytes: Buffer; first: number }[] = [];
        for (const wanted of sizes) {
          assert.equal(input.has(wanted), wanted <= written - read);
          if (!input.has(wanted)) continue;
          kept.push({ bytes: input.bytes.subarray(input.start, input.start + wanted), first: read });
          input.start += wanted;
          read += wanted;
        }
        for (const { bytes, first } of kept)
          assert.ok(bytes.every((byte, at) => byte === ((first + at) & 0xff)));
        if (settle) input.settle();
        assert.equal(input.unread, written - read);
        assert.ok(input.start <= input.end && input.end <= input.bytes.length);
      }
    }),
    { numRuns: 500 },
  );
});

test("a chunk behind the rest of a frame is not copied", () => {
  const input = new InputBuffer();
  input.push(Buffer.from("abc"));
  input.settle();
  const chunk = Buffer.from("defghi");
  input.push(chunk);
  assert.ok(input.has(4));
  assert.equal(input.bytes.latin1Slice(input.start, input.start + 4), "abcd");
  input.start += 4;
  assert.ok(input.has(5));
  assert.equal(input.bytes, chunk);
  assert.equal(input.start, 1);
});
