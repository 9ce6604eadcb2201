/**
 * A job that changes values over several turns, whose changes come into the journal all at once: after a kill it was done or it never
 * was.
 *
 * Not here: that nobody sees the values meanwhile (claims.ts). Invariant: what the job has done when it ends, or fails, is committed; a job
 * that is cancelled (the broker stops) leaves nothing in the journal.
 */
import type { Job } from "../../../../base/turn-work.ts";
import type { Keyspace } from "../../../../keyspace/keyspace.ts";

/** `tell` hears how many bytes are kept back. */
export function* wholeEffect<Result>(
  keyspace: Keyspace,
  job: Job<Result>,
  tell: (bytes: number) => void,
): Job<Result> {
  const batch = keyspace.openBatch();
  let isOver = false;
  try {
    for (;;) {
      keyspace.enterBatch(batch);
      let step: IteratorResult<number, Result>;
      try {
        step = job.next();
      } catch (error) {
        isOver = true;
        throw error;
      } finally {
        keyspace.leaveBatch(batch);
      }
      if (step.done === true) {
        isOver = true;
        return step.value;
      }
      tell(batch.bytes);
      yield step.value;
    }
  } finally {
    if (isOver) keyspace.commitBatch(batch);
    else {
      job.return(undefined as Result);
      keyspace.dropBatch();
    }
  }
}
