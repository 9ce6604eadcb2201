/**
 * A histogram of latencies that costs one array write for each: buckets of 1/32 of a power of two, over microseconds.
 * Invariant: a percentile is at most 3.2% above the true one, and never below it.
 */
import type { Percentiles } from "../contract.ts";

const stepsPerPower = 32;
const stepBits = 5;

export class Histogram {
  readonly #counts = new Float64Array(stepsPerPower * 32);
  #count = 0;
  #max = 0;

  /** @param microseconds up to 2^31; what is below zero, by a clock's grain, counts as zero */
  record(microseconds: number): void {
    const whole = microseconds > 0 ? Math.ceil(microseconds) : 0;
    this.#counts[bucketOf(whole)]! += 1;
    this.#count += 1;
    if (whole > this.#max) this.#max = whole;
  }

  /** Takes in what another one counted. */
  add(other: Histogram): void {
    for (let bucket = 0; bucket < this.#counts.length; bucket++)
      this.#counts[bucket]! += other.#counts[bucket]!;
    this.#count += other.#count;
    this.#max = Math.max(this.#max, other.#max);
  }

  get count(): number {
    return this.#count;
  }

  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    return { p50: this.#at(0.5), p99: this.#at(0.99), p999: this.#at(0.999), max: this.#max / 1000 };
  }

  /** The upper end, ms, of the bucket in which this share of all is reached. */
  #at(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(upperEndOf(bucket), this.#max) / 1000;
    }
    return this.#max / 1000;
  }
}

/** The first 32 buckets are a microsecond wide, and then each power of two has 32 more. */
function bucketOf(microseconds: number): number {
  if (microseconds < stepsPerPower) return microseconds;
  const power = 31 - Math.clz32(microseconds);
  return ((power - stepBits) << stepBits) + (microseconds >>> (power - stepBits));
}

function upperEndOf(bucket: number): number {
  if (bucket < stepsPerPower) return bucket;
  const power = (bucket >> stepBits) - 1;
  // Multiplied: shifted, the last bucket would end below zero.
  return (stepsPerPower + (bucket & (stepsPerPower - 1)) + 1) * 2 ** power - 1;
}
