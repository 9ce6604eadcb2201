/** The four codecs: round trip, other implementations' output, bounds, broken input. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compressFrameSync } from "lz4-napi";
import { compressSync } from "snappy";
import fc from "fast-check";
import { BrokerError } from "../../../src/base/errors.ts";
import { codecs, compress, decompress } from "../../../src/message/kafka/compression.ts";
import { lz4FrameSize } from "../../../src/message/kafka/compression-lz4-size.ts";

const bomb = Buffer.alloc(8 * 1024 * 1024);
const bytesMax = 1024 * 1024;

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof BrokerError && error.code === code;
}

const compressible = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 300 })), {
    maxLength: 12,
  })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, count]) => Array<Uint8Array>(count).fill(bytes))));

for (const [name, codec] of Object.entries(codecs)) {
  describe(name, () => {
    test("round trip", () => {
      fc.assert(
        fc.property(compressible, (bytes) => {
          assert.ok(decompress(codec, compress(codec, bytes), bytes.length).equals(bytes));
        }),
        { numRuns: 60 },
      );
    });

    test("what becomes too large is LIMIT", () => {
      assert.throws(() => decompress(codec, compress(codec, bomb), bytesMax), isCode("LIMIT"));
      assert.equal(decompress(codec, compress(codec, bomb), bomb.length).length, bomb.length);
    });

    if (codec === codecs.none) return;
    test("noise is MALFORMED, or something within the bound", () => {
      assert.throws(
        () => decompress(codec, Buffer.from("no such thing here"), bytesMax),
        isCode("MALFORMED"),
      );
      const good = compress(codec, Buffer.from("the quick brown fox".repeat(50)));
      fc.assert(
        fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
          const broken = Buffer.from(good);
          broken[at] = byte;
          try {
            assert.ok(decompress(codec, broken, 4096).length <= 4096);
          } catch (error) {
            assert.ok(isCode("MALFORMED")(error) || isCode("LIMIT")(error), String(error));
          }
        }),
      );
    });
  });
}

describe("forms that clients send", () => {
  test("raw snappy and snappy-java framing", () => {
    const bytes = Buffer.from("snappy ".repeat(20_000));
    assert.ok(decompress(codecs.snappy, compressSync(bytes), bytes.length).equals(bytes));
    const framed = compress(codecs.snappy, bytes);
    assert.equal(framed.subarray(0, 16).toString("hex"), "82534e41505059000000000100000001");
    assert.ok(decompress(codecs.snappy, framed, bytes.length).equals(bytes));
    assert.throws(() => decompress(codecs.snappy, framed.subarray(0, -1), bytes.length), isCode("MALFORMED"));
    assert.throws(() => decompress(codecs.snappy, framed.subarray(0, 18), bytes.length), isCode("MALFORMED"));
  });

  test("what is larger than anything within the bound is refused before it is looked into", () => {
    // 20 bytes of gzip that stand for nothing, again and again: the output never reaches a bound.
    const empty = compress(codecs.gzip, Buffer.alloc(0));
    const members = Buffer.concat(Array<Buffer>(200).fill(empty));
    assert.throws(() => decompress(codecs.gzip, members, 1000), isCode("LIMIT"));
    const header = compress(codecs.snappy, Buffer.from("x")).subarray(0, 16);
    const block = Buffer.from([0, 0, 0, 3, 1, 0, 0x78]);
    const tiny = (count: number): Buffer => Buffer.concat([header, ...Array<Buffer>(count).fill(block)]);
    assert.equal(decompress(codecs.snappy, tiny(60), bytesMax).toString(), "x".repeat(60));
    assert.throws(() => decompress(codecs.snappy, tiny(100), bytesMax), isCode("MALFORMED"));
  });

  test("lz4 frames with checksums, and their size without decompressing", () => {
    fc.assert(
      fc.property(compressible, fc.boolean(), fc.boolean(), (bytes, contentChecksum, blockChecksums) => {
        const frame = compressFrameSync(bytes, { contentChecksum, blockChecksums });
        assert.equal(lz4FrameSize(frame, -1), bytes.length);
        assert.ok(lz4FrameSize(frame, Number.POSITIVE_INFINITY) >= bytes.length);
        assert.ok(decompress(codecs.lz4, frame, bytes.length).equals(bytes));
      }),
      { numRuns: 60 },
    );
  });

  test("an unknown codec is refused", () => {
    assert.throws(() => decompress(5, Buffer.alloc(3), 10), isCode("INVALID"));
    assert.throws(() => compress(5, Buffer.alloc(3)), isCode("INVALID"));
  });
});
