/**
 * Files the records of a queue with priorities (cursor/priority-order.ts): those that came and that no consumer took at once, when
 * deliveries have run; a backlog, as after a restart, in slices over several turns, since each record is read once for its priority.
 *
 * Not here: what is filed, and which record comes next (cursor/). Invariant: while `isBehind`, some records are not filed, so nobody
 * knows which comes next: nothing is delivered, dropped or expired until that ends. A record that cannot be read is such a
 * record: `failure` says so to who asks for one.
 */
import { sizes } from "../../base/sizes.ts";
import type { Job } from "../../base/turn-work.ts";
import type { LogReader } from "../../storage/index.ts";
import type { Queue } from "./queue.ts";

/** What filing a record costs a turn (turn-work.ts). */
const unitsOfFiled = 0.25;
/** Records that have to be decompressed wait for the next turn. */
const unitsOfWait = 200;
/** A record may be unreadable for a moment only. */
const retryDelayMs = 1000;

export class PriorityFiling {
  readonly #queue: Queue;
  readonly #inTurn = sizes.filedInTurn;
  readonly #inSlice = sizes.filedInSlice;
  readonly #mustWait: (record: LogReader) => boolean;
  isBehind = false;
  /** Why it is behind, if a record could not be read. */
  failure: unknown = null;

  constructor(queue: Queue) {
    this.#queue = queue;
    const { inflation } = queue.vhost.broker;
    this.#mustWait = (record) => inflation.isSpent && inflation.isSpentFor(record);
  }

  /** Deliveries have run: what came, and nobody took, waits. */
  fileNew(): void {
    if (this.isBehind) return;
    try {
      if (!this.#queue.cursor!.fileNew(this.#inTurn, this.#mustWait)) this.catchUp();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Files a backlog, from this call on or in later turns. */
  catchUp(): void {
    this.isBehind = true;
    this.#queue.vhost.broker.work.run(this.#fileAll(), (outcome) => {
      if ("error" in outcome) return this.#failed(outcome.error);
      this.isBehind = false;
      this.failure = null;
      this.#queue.schedule();
    });
  }

  #failed(error: unknown): void {
    const queue = this.#queue;
    this.isBehind = true;
    this.failure = error;
    queue.failed(error);
    queue.vhost.broker.timers.after(retryDelayMs, () => {
      if (!queue.isDeleted) this.catchUp();
    });
  }

  *#fileAll(): Job<void> {
    const queue = this.#queue;
    const cursor = queue.cursor!;
    while (!queue.isDeleted) {
      const from = cursor.next;
      if (cursor.fileNew(this.#inSlice, this.#mustWait)) return;
      const isMoving = cursor.next > from;
      if (!isMoving) queue.vhost.broker.inflation.continueLater(queue, false);
      yield isMoving ? this.#inSlice * unitsOfFiled : unitsOfWait;
    }
  }
}
