/**
 * What the JavaScript heap holds and what was ever allocated on it, by either runtime's own counts.
 * Not here: buffers' bytes, which lie outside of the heap.
 */
import v8 from "node:v8";
import vm from "node:vm";

export interface HeapCounts {
  /** After a full collection; 0 on Bun, which counts buffers' bytes among them. */
  readonly bytes: number;
  /** After a full collection; 0 on Node, which does not count them. */
  readonly objects: number;
}

/** Collects all that can be, then counts what is left. */
export async function heapAtRest(): Promise<HeapCounts> {
  if (typeof Bun !== "undefined") {
    const { heapStats } = await import("bun:jsc");
    Bun.gc(true);
    const { objectCount } = heapStats();
    return { bytes: 0, objects: objectCount };
  }
  // What the first finds unreachable may hold what only the second can free.
  collect();
  collect();
  return { bytes: v8.getHeapStatistics().used_heap_size, objects: 0 };
}

/** Bytes allocated on the heap since the process began, whatever became of them; undefined where nobody counts. */
export function bytesAllocated(): number | undefined {
  const statistics = v8.getHeapStatistics() as { total_allocated_bytes?: number };
  return typeof Bun === "undefined" ? statistics.total_allocated_bytes : undefined;
}

/** Node only shows its collector to programs that asked for it at their start, or that ask like this. */
const collect: () => void =
  typeof Bun === "undefined"
    ? (v8.setFlagsFromString("--expose-gc"), vm.runInNewContext("gc") as () => void)
    : () => {};
