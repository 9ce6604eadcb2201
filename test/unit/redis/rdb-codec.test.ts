/** The forms of redis's dumps: what is written is read again, and bytes that nobody has written are refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import { ListpackReader, ListpackWriter } from "../../../src/protocols/redis/wire/rdb/listpack.ts";
import { compressLzf, decompressLzf, LzfCompressor } from "../../../src/protocols/redis/wire/rdb/lzf.ts";
import { isPayload } from "../../../src/protocols/redis/dump/payload.ts";
import { ElementPairs, RdbReader, StringElements } from "../../../src/protocols/redis/wire/rdb/reader.ts";
import { BadData, type RdbElements } from "../../../src/protocols/redis/wire/rdb/types.ts";
import { writeLength, writeString, writeStringSliced } from "../../../src/protocols/redis/wire/rdb/writer.ts";
import { ZiplistReader } from "../../../src/protocols/redis/wire/rdb/ziplist.ts";

const repetitive = fc
  .array(fc.constantFrom("a", "abc", "0000000000", "xyzxyz", "\u0001\u0002"), { maxLength: 500, size: "max" })
  .map((words) => Buffer.from(words.join(""), "latin1"));
const content = fc.oneof(
  repetitive,
  fc.uint8Array({ maxLength: 400, size: "max" }).map((bytes) => Buffer.from(bytes)),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map((n) => Buffer.from(String(n))),
  fc.integer({ min: -9000, max: 9000 }).map((n) => Buffer.from(String(n))),
);

test("LZF: what is compressed comes back, whatever parts it was compressed in", () => {
  fc.assert(
    fc.property(content, fc.nat({ max: 9 }), fc.integer({ min: 1, max: 50 }), (bytes, skip, part) => {
      const input = Buffer.concat([Buffer.alloc(skip), bytes]);
      const target = Buffer.alloc(bytes.length + 40);
      const size = compressLzf(input, skip, input.length, target, bytes.length - 4);
      const other = Buffer.alloc(bytes.length + 40);
      const compressor = new LzfCompressor(input, skip, input.length, other, bytes.length - 4);
      while (!compressor.advance(part));
      assert.equal(compressor.size, size);
      if (size === 0) return;
      assert.ok(size <= bytes.length - 4);
      assert.deepEqual(other.subarray(0, size), target.subarray(0, size));
      const back = Buffer.alloc(bytes.length);
      assert.ok(decompressLzf(target, 0, size, back));
      assert.deepEqual(back, bytes);
    }),
    { numRuns: 500 },
  );
});

test("LZF: any bytes are decompressed or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 400 }), (bytes, size) => {
      decompressLzf(bytes, 0, bytes.length, Buffer.alloc(size));
    }),
  );
});

test("strings and lengths come back, in slices as at once", () => {
  const out = new ByteWriter();
  fc.assert(
    fc.property(content, (bytes) => {
      out.reset();
      writeString(out, bytes, 0, bytes.length);
      const reader = new RdbReader(out.copy(), 0, out.length);
      reader.string();
      assert.deepEqual(reader.bytes.subarray(reader.start, reader.end), bytes);
      assert.equal(reader.remaining, 0);
    }),
    { numRuns: 500 },
  );
  for (const length of [0, 63, 64, 16_383, 16_384, 2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
    out.reset();
    writeLength(out, length);
    assert.equal(new RdbReader(out.copy(), 0, out.length).length(), length);
  }
  const long = Buffer.from(Array.from({ length: 30_000 }, (_, i) => `line ${i % 700}`).join());
  const [sliced, whole] = [new ByteWriter(), new ByteWriter()];
  finishNow(writeStringSliced({ out: sliced, settle() {} }, long, 0, long.length));
  writeString(whole, long, 0, long.length);
  assert.deepEqual(sliced.copy(), whole.copy());
  assert.ok(sliced.length < long.length / 4);
});

function textsOf(elements: RdbElements): string[] {
  const texts: string[] = [];
  while (elements.next()) texts.push(elements.bytes.latin1Slice(elements.start, elements.end));
  return texts;
}

test("listpacks: elements come back, each valid until the next but one", () => {
  const writer = new ListpackWriter();
  const long = fc.constantFrom(63, 64, 4095, 4096, 20_000).map((size) => Buffer.alloc(size, "y"));
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: content }, long), { maxLength: 30, size: "max" }),
      (all) => {
        const out = new ByteWriter();
        writer.begin(out);
        for (const bytes of all) writer.text(bytes, 0, bytes.length);
        writer.end();
        const bytes = out.copy();
        const reader = new ListpackReader(bytes, 0, bytes.length);
        assert.equal(reader.size, all.length);
        assert.deepEqual(
          textsOf(reader),
          all.map((each) => each.latin1Slice()),
        );
        if (all.length % 2 === 1) return;
        const pairs = new ElementPairs(new ListpackReader(bytes, 0, bytes.length));
        for (let i = 0; pairs.next(); i += 2) {
          assert.deepEqual(pairs.firstBytes.subarray(pairs.firstStart, pairs.firstEnd), all[i]);
          const { bytes: second, start, end } = pairs.second;
          assert.deepEqual(second.subarray(start, end), all[i + 1]);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("damaged bytes are refused, and nothing outside of them is looked at", () => {
  const writer = new ListpackWriter();
  const packed = new ByteWriter();
  writer.begin(packed);
  for (const text of ["a", "12", "-5000", "x".repeat(70), "9223372036854775807", "123456", "70000"])
    writer.text(Buffer.from(text), 0, text.length);
  writer.end();
  const listpack = packed.copy();
  const out = new ByteWriter();
  for (const text of ["abc", "12345", "x".repeat(100)]) writeString(out, Buffer.from(text), 0, text.length);
  const strings = out.copy();
  const readers: ((bytes: Buffer, end: number) => RdbElements)[] = [
    (bytes, end) => new ListpackReader(bytes, 0, end),
    (bytes, end) => new ZiplistReader(bytes, 0, end),
    (bytes, end) => new StringElements(new RdbReader(bytes, 0, end), 5),
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.constant(listpack),
        fc.constant(strings),
        fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      ),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
      (valid, changes) => {
        // Behind the end there is something else, which must not show.
        const bytes = Buffer.concat([valid, Buffer.alloc(400, 0xee)]);
        for (const [at, byte] of changes) bytes[at % Math.max(valid.length, 1)] = byte;
        for (const open of readers) {
          try {
            const elements = open(bytes, valid.length);
            for (let i = 0; i < 1000 && elements.next(); i++) {
              assert.ok(elements.start <= elements.end);
              if (elements.bytes === bytes) assert.ok(elements.end <= valid.length);
            }
          } catch (error) {
            if (!(error instanceof BadData)) throw error;
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("a payload has the sum of its bytes", () => {
  fc.assert(
    fc.property(content, fc.nat(), fc.nat({ max: 7 }), (bytes, cut, bit) => {
      const body = Buffer.concat([Buffer.from([0]), bytes, Buffer.from([10, 0])]);
      // In any two parts.
      const part = cut % (body.length + 1);
      const payload = Buffer.concat([body, Buffer.alloc(8)]);
      new Crc64().update(body, 0, part).update(body, part).write(payload, body.length);
      assert.ok(finishNow(isPayload(payload, 0, payload.length)));
      payload[cut % payload.length]! ^= 1 << bit;
      assert.ok(!finishNow(isPayload(payload, 0, payload.length)));
    }),
  );
});
