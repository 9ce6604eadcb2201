/** The bench's arithmetic: medians, spreads and ratios of pairs, percentiles of a histogram. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Histogram } from "../../../bench/base/histogram.ts";
import { median, pairedRatios, spreadOf } from "../../../bench/base/statistics.ts";

test("a median is the middle one, or between the two in the middle, and leaves its input alone", () => {
  const values = [9, 1, 5];
  assert.equal(median(values), 5);
  assert.deepEqual(values, [9, 1, 5]);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test("a spread is the median with the least and the most", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 });
});

test("ratios are of neighbours: what slows both sides of a pair cancels out", () => {
  assert.deepEqual(pairedRatios([200, 20, 2], [100, 10, 1]), { median: 2, least: 2, most: 2 });
});

/** The value that this share of all does not exceed, microseconds. */
function exact(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

test("a percentile is never below the true one, at most 3.2% above, and never above the greatest", () => {
  const microseconds = fc.oneof(
    fc.integer({ min: 0, max: 64 }),
    fc.integer({ min: 0, max: 100_000 }),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  );
  fc.assert(
    fc.property(fc.array(microseconds, { minLength: 1, maxLength: 300 }), (values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = values.toSorted((a, b) => a - b);
      const { p50, p99, p999, max } = histogram.percentiles()!;
      for (const [told, share] of [
        [p50, 0.5],
        [p99, 0.99],
        [p999, 0.999],
      ] as const) {
        const tolerance = 1e-9;
        const truly = exact(sorted, share) / 1000;
        assert.ok(told >= truly - tolerance, `${told} is below ${truly}`);
        assert.ok(told <= truly * 1.032 + tolerance, `${told} is too far above ${truly}`);
        assert.ok(told <= max);
      }
      assert.equal(max, sorted.at(-1)! / 1000);
      assert.equal(histogram.count, values.length);
    }),
  );
});

test("histograms that are added tell what one of all would", () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.array(fc.nat()), (some, others) => {
      const [a, b, all] = [new Histogram(), new Histogram(), new Histogram()];
      for (const value of some) a.record(value);
      for (const value of others) b.record(value);
      for (const value of [...some, ...others]) all.record(value);
      a.add(b);
      assert.deepEqual(a.percentiles(), all.percentiles());
    }),
  );
});

test("below zero, by a clock's grain, is zero; a part of a microsecond is a whole one; of nothing nothing is told", () => {
  const histogram = new Histogram();
  assert.equal(histogram.percentiles(), undefined);
  histogram.record(-3);
  assert.equal(histogram.percentiles()!.max, 0);
  histogram.record(0.2);
  assert.equal(histogram.percentiles()!.max, 0.001);
});
