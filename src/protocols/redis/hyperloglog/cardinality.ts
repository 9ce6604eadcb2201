/**
 * How many different elements a HyperLogLog has seen, from how often each value is among its registers.
 *
 * Pure. The estimate is that of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284),
 * as in redis, in the same order of the same double operations, so that it is the same number.
 */
import {
  isSketchDense,
  registerAt,
  registerCount,
  registerMax,
  sketchHeaderBytes,
  spanAt,
  valueOf,
} from "./sketch.ts";

const alphaInfinity = 0.7213475204444817;
const histogram = new Int32Array(64);

/** Of the sketch `bytes[start, end)`; -1 where its operations do not make up all registers. */
export function cardinalityOfSketch(bytes: Uint8Array, start: number, end: number): number {
  histogram.fill(0);
  if (isSketchDense(bytes, start)) {
    for (let i = 0; i < registerCount; i++) histogram[registerAt(bytes, start + sketchHeaderBytes, i)]!++;
    return estimate();
  }
  let registers = 0;
  for (let at = start + sketchHeaderBytes; at < end;) {
    const span = spanAt(bytes, at, end);
    histogram[valueOf(bytes[at]!)]! += span;
    registers += span;
    at += (bytes[at]! & 0xc0) === 0x40 ? 2 : 1;
  }
  return registers === registerCount ? estimate() : -1;
}

/** Of registers that have a byte each. */
export function cardinalityOfRegisters(registers: Uint8Array): number {
  histogram.fill(0);
  for (let i = 0; i < registerCount; i++) histogram[registers[i]! & 63]!++;
  return estimate();
}

function estimate(): number {
  const m = registerCount;
  let z = m * tau((m - histogram[registerMax]!) / m);
  for (let run = registerMax - 1; run >= 1; run--) {
    z += histogram[run]!;
    z *= 0.5;
  }
  z += m * sigma(histogram[0]! / m);
  return Math.round((alphaInfinity * m * m) / z);
}

function sigma(ratio: number): number {
  if (ratio === 1) return Infinity;
  let x = ratio;
  let y = 1;
  let z = ratio;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (before === z) return z;
  }
}

function tau(ratio: number): number {
  if (ratio === 0 || ratio === 1) return 0;
  let x = ratio;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
    if (before === z) return z / 3;
  }
}
