import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";

test("what the writer writes, the reader reads", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.string({ unit: "binary" }),
      fc.uint8Array({ maxLength: 300 }),
      (byte, short, word, safe, big, text, bytes) => {
        const writer = new ByteWriter(1);
        const textSize = Buffer.byteLength(text);
        writer.uint8(byte).uint16(short).uint32(word).int64(safe).bigInt64(big).utf8(text).bytes(bytes);
        const reader = new ByteReader(writer.view());
        assert.equal(reader.uint8(), byte);
        assert.equal(reader.uint16(), short);
        assert.equal(reader.uint32(), word);
        assert.equal(reader.int64(), safe);
        assert.equal(reader.bigInt64(), big);
        assert.equal(reader.utf8(textSize), Buffer.from(text).toString());
        assert.deepEqual(new Uint8Array(reader.view(bytes.length)), bytes);
        assert.equal(reader.remaining, 0);
      },
    ),
  );
});

test("reading past the end is an error, not undefined", () => {
  const reader = new ByteReader(Buffer.from([1, 2, 3]));
  assert.throws(() => reader.uint32(), { code: "MALFORMED" });
  assert.throws(() => reader.skip(-1), { code: "MALFORMED" });
  assert.equal(reader.uint16(), 0x0102);
});

test("writers that share large buffers keep their bytes apart, however they grow and shrink", () => {
  const step = fc.record({
    writer: fc.nat(2),
    bytes: fc.integer({ min: 1, max: 700_000 }),
    ensured: fc.integer({ min: 0, max: 900_000 }),
    shrinks: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const writers = [0, 1, 2].map(() => new ByteWriter(64, "shared"));
      const models: number[][] = [[], [], []];
      for (const [number, { writer: index, bytes, ensured, shrinks }] of steps.entries()) {
        const writer = writers[index]!;
        const runs = models[index]!;
        writer.ensure(ensured);
        const room = writer.buffer;
        writer.bytes(Buffer.alloc(Math.min(bytes, ensured), number + 1));
        if (ensured > 0) assert.equal(writer.buffer, room, "what was ensured is there");
        runs.push(Math.min(bytes, ensured), number + 1);
        if (shrinks) {
          writer.shrink(64);
          runs.length = 0;
        }
        for (const [other, model] of models.entries()) assertRuns(writers[other]!, model);
      }
    }),
    { numRuns: 60 },
  );
});

/** @param runs lengths and the byte of which each is made, in turn */
function assertRuns(writer: ByteWriter, runs: readonly number[]): void {
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const end = at + runs[i]!;
    for (const place of [at, (at + end) >> 1, end - 1])
      if (end > at) assert.equal(writer.buffer[place], runs[i + 1]);
    at = end;
  }
  assert.equal(writer.length, at);
}
