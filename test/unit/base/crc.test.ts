import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import { crc32c as native } from "@node-rs/crc32";
import fc from "fast-check";
import { crc32 } from "../../../src/base/checksum/crc32.ts";
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
