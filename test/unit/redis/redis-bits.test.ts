/** Bits, integers among bits, and common subsequences, beside models that are too slow to be wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { finishNow } from "../../../src/base/turn-work.ts";
import { countBitsBetween, findBit, invertBits, joinBits } from "../../../src/protocols/redis/bitmap/bits.ts";
import {
  addInteger,
  type IntegerType,
  readInteger,
  writeInteger,
} from "../../../src/protocols/redis/bitmap/integers.ts";
import { CommonSubsequence } from "../../../src/protocols/redis/string/common-subsequence.ts";

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

const someBytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
/** Mostly the same byte, so that a bit is searched for long. */
const plainBytes = fc
  .tuple(fc.constantFrom(0, 255), fc.nat({ max: 60 }), fc.uint8Array({ maxLength: 3 }))
  .map(([byte, size, rest]) => Uint8Array.from([...Array.from({ length: size }, () => byte), ...rest, byte]));

test("bits are counted and found from any bit to any other", () => {
  fc.assert(
    fc.property(
      fc.oneof(someBytes, plainBytes),
      fc.nat(),
      fc.nat(),
      fc.nat({ max: 5 }),
      (bytes, a, b, skip) => {
        const total = bytes.length * 8;
        const [first, last] = [a % total, b % total].toSorted((x, y) => x - y) as [number, number];
        // What is around does not count.
        const around = Buffer.concat([Buffer.alloc(skip, 0x5a), bytes, Buffer.alloc(4, 0x5a)]);
        const text = bitsOf(bytes).slice(first, last + 1);
        assert.equal(countBitsBetween(around, skip, first, last), text.replaceAll("0", "").length);
        for (const bit of [0, 1] as const) {
          const found = text.indexOf(String(bit));
          assert.equal(findBit(around, skip, first, last, bit), found < 0 ? -1 : first + found);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("bits are joined at any place", () => {
  fc.assert(
    fc.property(someBytes, someBytes, fc.nat({ max: 9 }), (bytes, other, at) => {
      const size = Math.min(bytes.length, other.length);
      for (const [operation, join] of [
        ["and", (x: number, y: number) => x & y],
        ["or", (x: number, y: number) => x | y],
        ["xor", (x: number, y: number) => x ^ y],
      ] as const) {
        const target = Buffer.concat([Buffer.alloc(at), bytes]);
        joinBits(operation, target, at, other, 0, size);
        const wanted = Array.from(bytes, (byte, i) => (i < size ? join(byte, other[i]!) : byte));
        assert.deepEqual([...target.subarray(at)], wanted);
      }
      const inverted = Uint8Array.from(bytes);
      invertBits(inverted, 0, inverted.length);
      assert.deepEqual(
        [...inverted],
        Array.from(bytes, (byte) => byte ^ 0xff),
      );
    }),
  );
});

const integerType: fc.Arbitrary<IntegerType> = fc
  .tuple(fc.boolean(), fc.integer({ min: 1, max: 64 }))
  .map(([isSigned, bits]) => ({ isSigned, bits: isSigned ? bits : Math.min(bits, 63) }));

test("an integer is written and read at any bit, and changes no other", () => {
  fc.assert(
    fc.property(
      integerType,
      fc.nat({ max: 100 }),
      someBytes,
      fc.bigInt(),
      (type, offset, background, any) => {
        const { isSigned, bits } = type;
        const value = isSigned ? BigInt.asIntN(bits, any) : BigInt.asUintN(bits, any);
        const bytes = Buffer.alloc(30);
        bytes.set(background.subarray(0, 30));
        const before = bitsOf(bytes);
        writeInteger(bytes, offset, type, value);
        assert.equal(readInteger(bytes, 0, bytes.length, offset, type), value);
        const after = bitsOf(bytes);
        const text = BigInt.asUintN(bits, value).toString(2).padStart(bits, "0");
        assert.equal(after, before.slice(0, offset) + text + before.slice(offset + bits));
        // Behind the end there are zeros.
        const cut = Math.floor((offset + bits) / 16);
        const zeros = Buffer.alloc(30);
        zeros.set(bytes.subarray(0, cut));
        assert.equal(readInteger(bytes, 0, cut, offset, type), readInteger(zeros, 0, 30, offset, type));
      },
    ),
    { numRuns: 1000 },
  );
});

test("a sum that does not fit wraps, stops at the bound, or fails", () => {
  const byte: IntegerType = { isSigned: false, bits: 8 };
  const signed: IntegerType = { isSigned: true, bits: 8 };
  assert.equal(addInteger(250n, 10n, byte, "wrap"), 4n);
  assert.equal(addInteger(250n, 10n, byte, "sat"), 255n);
  assert.equal(addInteger(250n, 10n, byte, "fail"), null);
  assert.equal(addInteger(5n, -10n, byte, "wrap"), 251n);
  assert.equal(addInteger(5n, -10n, byte, "sat"), 0n);
  assert.equal(addInteger(120n, 10n, signed, "wrap"), -126n);
  assert.equal(addInteger(-120n, -10n, signed, "sat"), -128n);
  assert.equal(addInteger(-120n, -10n, signed, "fail"), null);
  // As in redis, whose distance to the bound has 64 bits.
  assert.equal(addInteger(127n - 2n ** 63n, 0n, signed, "sat"), 127n);
  assert.equal(addInteger(128n - 2n ** 63n, 0n, signed, "sat"), -128n);
});

function longest(one: Uint8Array, other: Uint8Array): number {
  const row = (): number[] => Array.from({ length: other.length + 1 }, () => 0);
  const table = Array.from({ length: one.length + 1 }, row);
  for (let i = 1; i <= one.length; i++)
    for (let j = 1; j <= other.length; j++)
      table[i]![j] =
        one[i - 1] === other[j - 1]
          ? table[i - 1]![j - 1]! + 1
          : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
  return table[one.length]![other.length]!;
}

test("a common subsequence is as long as any, and its ranges are of both", () => {
  const letters = fc
    .array(fc.nat({ max: 3 }), { maxLength: 40, size: "max" })
    .map((all) => Uint8Array.from(all));
  fc.assert(
    fc.property(letters, letters, (one, other) => {
      const common = new CommonSubsequence(one, other);
      finishNow(common.measure(true));
      assert.equal(common.length, longest(one, other));
      const found: number[] = [];
      let [endOfOne, endOfOther] = [one.length, other.length];
      finishNow(
        common.walk(({ start, end, otherStart }) => {
          assert.ok(start < end && end <= endOfOne && otherStart + end - start <= endOfOther);
          assert.deepEqual(one.slice(start, end), other.slice(otherStart, otherStart + end - start));
          found.unshift(...one.slice(start, end));
          [endOfOne, endOfOther] = [start, otherStart];
        }),
      );
      assert.deepEqual([...common.text], found);
      assert.equal(found.length, common.length);
      const measured = new CommonSubsequence(one, other);
      finishNow(measured.measure(false));
      assert.equal(measured.length, common.length);
    }),
    { numRuns: 500 },
  );
});
