import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import { crc32c as native } from "@node-rs/crc32";
import fc from "fast-check";
import { crc32 } from "../../../src/base/checksum/crc32.ts";
import { crc32OfZerosAfter } from "../../../src/base/checksum/crc32-zeros.ts";
import { crc32c } from "../../../src/base/checksum/crc32c.ts";

test("the check values of CRC-32 and CRC-32C", () => {
  assert.equal(crc32(Buffer.from("123456789"), 0, 9), 0xcbf43926);
  assert.equal(crc32c(Buffer.from("123456789"), 0, 9), 0xe3069283);
});

test("tables and native code agree for every length and start", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(20), (bytes, skip) => {
      const start = Math.min(skip, bytes.length);
      assert.equal(crc32c(bytes, start, bytes.length), native(bytes.subarray(start)) >>> 0);
      assert.equal(crc32(bytes, start, bytes.length), zlib.crc32(bytes.subarray(start)));
    }),
  );
});

test("zeros that follow are counted, not read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(20), fc.nat(100_000), (bytes, skip, zeros) => {
      const start = Math.min(skip, bytes.length);
      const whole = Buffer.concat([bytes.subarray(start), Buffer.alloc(zeros)]);
      assert.equal(crc32OfZerosAfter(bytes, start, bytes.length, zeros), zlib.crc32(whole));
    }),
  );
  let piecewise = zlib.crc32(Buffer.from("x"));
  const mebibyte = Buffer.alloc(1 << 20);
  for (let i = 0; i < 64; i++) piecewise = zlib.crc32(mebibyte, piecewise);
  assert.equal(crc32OfZerosAfter(Buffer.from("x"), 0, 1, 64 << 20), piecewise);
});
