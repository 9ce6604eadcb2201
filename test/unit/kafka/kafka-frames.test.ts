/** Frames come out the same however the stream is cut. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BrokerError } from "../../../src/base/errors.ts";
import { FrameSplitter } from "../../../src/protocols/kafka/wire/frames.ts";

function frame(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

describe("FrameSplitter", () => {
  test("any cutting gives the same frames", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 20 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map(frame));
          const splitter = new FrameSplitter(1000);
          const seen: Buffer[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!;
            splitter.push(stream.subarray(at, at + size));
            while (splitter.next()) seen.push(splitter.buffer.subarray(splitter.start, splitter.end));
            at += size;
          }
          assert.deepEqual(
            seen,
            bodies.map((body) => Buffer.from(body)),
          );
          assert.equal(splitter.bytesPending, 0);
        },
      ),
    );
  });

  test("a frame that lies whole in a chunk is not copied", () => {
    const splitter = new FrameSplitter(1000);
    const chunk = Buffer.concat([frame(Buffer.from("abc")), frame(Buffer.from("defg"))]);
    splitter.push(chunk);
    assert.equal(splitter.next(), true);
    assert.equal(splitter.buffer, chunk);
    assert.deepEqual([splitter.start, splitter.end], [4, 7]);
    assert.equal(splitter.next(), true);
    assert.deepEqual([splitter.start, splitter.end], [11, 15]);
    assert.equal(splitter.next(), false);
  });

  test("a chunk that is not used up is not replaced", () => {
    const splitter = new FrameSplitter(1000);
    splitter.push(frame(Buffer.from("abc")));
    assert.throws(() => splitter.push(Buffer.alloc(1)), BrokerError);
  });

  test("an announced size takes no memory by itself, and has a bound", () => {
    const splitter = new FrameSplitter(100 * 1024 * 1024);
    splitter.push(Buffer.from("06400000aabb", "hex"));
    assert.equal(splitter.next(), false);
    assert.equal(splitter.bytesPending, 6);
    const bounded = new FrameSplitter(1000);
    bounded.push(Buffer.from("000003e9", "hex"));
    assert.throws(
      () => bounded.next(),
      (error) => error instanceof BrokerError && error.code === "LIMIT",
    );
    const negative = new FrameSplitter(1000);
    negative.push(Buffer.from("ffffffff", "hex"));
    assert.throws(
      () => negative.next(),
      (error) => error instanceof BrokerError && error.code === "MALFORMED",
    );
  });
});
