/**
 * How the times of one command are spread: a histogram with two significant digits from 1 ns to 1 s, as redis's (HdrHistogram).
 *
 *     a value below 256 has a counter of its own; above, each power of two is split into 128 parts
 *
 * Not here: measuring. Invariants: the same values give the same percentiles as in redis; recording makes no object.
 */

const subBuckets = 256;
const halfBuckets = subBuckets / 2;
const halfBits = 7;
/** 256 << 22 is above a second. */
const buckets = 23;
const valueMax = 1_000_000_000;

export class LatencyHistogram {
  readonly #counts = new Float64Array((buckets + 1) * halfBuckets);
  total = 0;

  record(nanoseconds: number, count: number): void {
    const value = Math.min(Math.max(Math.floor(nanoseconds), 1), valueMax);
    this.#counts[indexOf(value)]! += count;
    this.total += count;
  }

  /** In nanoseconds. */
  percentile(percent: number): number {
    const wanted = Math.max(Math.floor((Math.min(percent, 100) / 100) * this.total + 0.5), 1);
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index]!;
      if (seen >= wanted) return lastEquivalent(valueAt(index));
    }
    return 0;
  }

  /** For each doubling of 1,024 ns up to the largest value: its end in microseconds, and how many took no longer. Empty ones are left out. */
  *doublings(): Generator<readonly [microseconds: number, calls: number]> {
    let seen = 0;
    let index = 0;
    for (let end = 1024; seen < this.total; end *= 2) {
      const before = seen;
      for (; index < this.#counts.length && valueAt(index) <= end; index++) seen += this.#counts[index]!;
      if (seen > before) yield [Math.floor(lastEquivalent(end) / 1000), seen];
    }
  }
}

function bucketOf(value: number): number {
  return Math.max(24 - Math.clz32(value | (subBuckets - 1)), 0);
}

function indexOf(value: number): number {
  const bucket = bucketOf(value);
  return ((bucket + 1) << halfBits) + (value >> bucket) - halfBuckets;
}

/** The least value of a counter. */
function valueAt(index: number): number {
  let bucket = (index >> halfBits) - 1;
  let sub = (index & (halfBuckets - 1)) + halfBuckets;
  if (bucket < 0) {
    sub -= halfBuckets;
    bucket = 0;
  }
  return sub * 2 ** bucket;
}

/** The largest value that has the same counter. */
function lastEquivalent(value: number): number {
  return value + 2 ** bucketOf(value) - 1;
}
