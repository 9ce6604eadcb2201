/** How far a client reads (`isolation_level`): to the log's end, or to its last stable offset. */
import type { Queue } from "../../../broker/queue/queue.ts";

/** Records of open transactions are not read. */
export function isCommittedOnly({ isolationLevel }: { readonly isolationLevel: number }): boolean {
  return isolationLevel === 1;
}

export function endFor({ log }: Queue, isStable: boolean): number {
  return isStable ? log.stableEnd : log.nextOffset;
}
