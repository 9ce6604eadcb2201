/** INCRBYFLOAT's numbers. The real server's own are compared in test/clients/redis/redis-keys-real.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addLongDoubles,
  formatLongDouble,
  parseLongDouble,
} from "../../../src/protocols/redis/string/long-double.ts";

function sum(a: string, b: string): string | undefined {
  const total = addLongDoubles(parseLongDouble(a)!, parseLongDouble(b)!);
  return total === undefined ? undefined : formatLongDouble(total);
}

test("sums print as redis prints them", () => {
  for (const [a, b, wanted] of [
    ["3.1", "0.2", "3.3"],
    ["10.50", "0.1", "10.6"],
    ["5.0e3", "2.0e2", "5200"],
    ["1", "-1.1", "-0.1"],
    ["0", "-0", "0"],
    ["1", "-1", "0"],
    ["17179869184", "1.5", "17179869185.5"],
    [".5", "1.", "1.5"],
  ] as const) {
    assert.equal(sum(a, b), wanted, `${a} + ${b}`);
  }
  assert.equal(sum("inf", "1"), undefined);
  assert.equal(sum("1e4932", "-1e4932"), "0");
});

test("what is no number is refused", () => {
  for (const text of ["", " 1", "1 ", "abc", "1e", "--1", "nan", ".", "1e5000", "1e-5000", "1".repeat(5120)])
    assert.equal(parseLongDouble(text), undefined, text);
  assert.notEqual(parseLongDouble("1".repeat(4900)), undefined);
});

test("integers of 64 bits stay exact, and adding 0 changes nothing", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(sum(String(value), "0"), String(value));
    }),
  );
});
