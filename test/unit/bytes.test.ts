import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";

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
