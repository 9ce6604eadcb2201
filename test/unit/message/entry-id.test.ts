/** Entry ids count and compare as the one 128-bit number that their two parts make. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import { anyIdNumber, entryId, idMax, idText, numberOf } from "../../support/entry-ids.ts";

const runs = { numRuns: 2000 };

test("comparing, counting and distance are those of the number", () => {
  fc.assert(
    fc.property(anyIdNumber, anyIdNumber, fc.nat(2 ** 32), (a, b, count) => {
      const id = entryId(a);
      const other = entryId(b);
      assert.equal(Math.sign(id.compare(other)), a < b ? -1 : a > b ? 1 : 0);
      assert.equal(id.equals(other), a === b);
      assert.equal(id.isZero, a === 0n);
      assert.equal(id.isMax, a === idMax);
      const distance = id.distanceTo(other);
      if (Number.isSafeInteger(distance)) assert.equal(BigInt(distance), b - a);
      else assert.equal(Math.sign(distance), b > a ? 1 : -1);
      const sum = a + BigInt(count);
      assert.equal(numberOf(id.add(count)), sum > idMax ? idMax : sum);
    }),
    runs,
  );
});

test("the ids before and after, and none beyond the ends", () => {
  fc.assert(
    fc.property(anyIdNumber, (number) => {
      const id = entryId(number);
      assert.equal(id.increment(), number < idMax);
      assert.equal(numberOf(id), number < idMax ? number + 1n : idMax);
      id.copyFrom(entryId(number));
      assert.equal(id.decrement(), number > 0n);
      assert.equal(numberOf(id), number > 0n ? number - 1n : 0n);
    }),
    runs,
  );
});

test("bytes, words and text keep every bit", () => {
  fc.assert(
    fc.property(anyIdNumber, (number) => {
      const id = entryId(number);
      const writer = new ByteWriter();
      id.encode(writer);
      assert.equal(writer.view().toString("hex"), number.toString(16).padStart(32, "0"));
      assert.equal(numberOf(new EntryId().decode(new ByteReader(writer.view()))), number);
      const words = new Uint32Array(12);
      id.writeWords(words, 1);
      assert.deepEqual([...words.subarray(0, 4), ...words.subarray(8)], Array(8).fill(0));
      assert.equal(numberOf(new EntryId().readWords(words, 1)), number);
      assert.equal(id.toString(), idText(number));
    }),
    runs,
  );
});
