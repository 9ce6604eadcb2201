/** What the options need to know of the machine. */
import { totalmem } from "node:os";
import type { Machine } from "./config/options.ts";

/** The memory this process may have: the machine's, or the container's where that is less. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  return { memoryBytesTotal: constrained > 0 ? Math.min(totalmem(), constrained) : totalmem() };
}
