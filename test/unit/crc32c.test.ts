import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c as native } from "@node-rs/crc32";
import fc from "fast-check";
import { crc32c } from "../../src/base/crc32c.ts";

test("the check value of CRC-32C", () => {
  assert.equal(crc32c(Buffer.from("123456789"), 0, 9), 0xe3069283);
});

test("tables and native code agree for every length and start", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(20), (bytes, skip) => {
      const start = Math.min(skip, bytes.length);
      assert.equal(crc32c(bytes, start, bytes.length), native(bytes.subarray(start)) >>> 0);
    }),
  );
});
