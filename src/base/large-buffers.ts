/**
 * Large buffers that writers have outgrown or given back, for the next writers that grow. Fresh memory of this size costs the
 * system a fault for each page, as much as the copy into it. Huge buffers are given back to the system.
 *
 * Invariant: at most `freeBytesMax` are kept here; the writer that gave a buffer keeps no view of it.
 */
import { assertInvariant } from "./assert.ts";

/** Smaller ones are cheap to make. */
const largeBytesMin = 256 << 10;
const freeBytesMax = 16 << 20;
/** A buffer of more than so many times the wish is left for a larger one. */
const wasteMax = 4;

const free: Buffer[] = [];
let freeBytes = 0;

/** One of at least `capacity` bytes, with whatever was in it; undefined when there is none. */
export function takeLargeBuffer(capacity: number): Buffer | undefined {
  if (capacity < largeBytesMin) return undefined;
  for (let i = free.length - 1; i >= 0; i--) {
    const buffer = free[i]!;
    if (buffer.length < capacity || buffer.length > capacity * wasteMax) continue;
    free[i] = free[free.length - 1]!;
    free.pop();
    freeBytes -= buffer.length;
    return buffer;
  }
  return undefined;
}

export function giveLargeBuffer(buffer: Buffer): void {
  if (buffer.length < largeBytesMin || freeBytes + buffer.length > freeBytesMax) return;
  assertInvariant(!free.includes(buffer), "a buffer is given once");
  free.push(buffer);
  freeBytes += buffer.length;
}

/** Smaller ones are left to the garbage collector. */
const freedBytesMin = 256 << 10;

/**
 * Gives the memory of a huge buffer back to the system at once. Left as garbage, gigabytes may stay for good: a broker
 * that has little to do afterwards never collects them. Nobody may look at the buffer, or a view of it, any more.
 */
export function freeLargeBuffer(buffer: Buffer): void {
  const memory = buffer.buffer;
  if (buffer.length < freedBytesMin || !(memory instanceof ArrayBuffer)) return;
  memory.transfer(0);
}
