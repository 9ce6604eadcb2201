/**
 * Records that consumers are requeueing: a few at once, or many in slices (`ReturningRecords`).
 *
 * Not here: what happens to one record (`Queue.requeue`), bounds (retention.ts). Invariant: `count` records still count as held by
 * their cursor, and are ready all the same, in front of all new ones.
 */
/** Records that are being requeued over several turns. */
export interface ReturningRecords {
  /** Requeues the rest now. */
  finish(): void;
}

/** The part of the queue that is needed here. */
export interface ReturnsQueue {
  readonly policy: { readonly dropsReturned: boolean };
  readonly cursor: { readonly hasRequeued: boolean } | null;
  catchUp(): boolean;
  /** Schedules the queue for the end of the tick. */
  schedule(): void;
}

export class QueueReturns {
  readonly #queue: ReturnsQueue;
  count = 0;
  readonly #records = new Set<ReturningRecords>();
  /** The bounds have not been applied to the requeued records yet; only used if `policy.dropsReturned`. */
  #hasNew = false;

  constructor(queue: ReturnsQueue) {
    this.#queue = queue;
  }

  /** `count` records will be requeued one by one, in slices; each takes one from `count`. */
  begin(records: ReturningRecords, count: number): void {
    this.count += count;
    this.#records.add(records);
  }

  end(records: ReturningRecords): void {
    this.#records.delete(records);
    this.#queue.schedule();
  }

  /** The next record is still being requeued: no newer one may be taken, dropped or expire before it. */
  get isHead(): boolean {
    return this.count > 0 && !this.#queue.cursor!.hasRequeued;
  }

  /** Requeues the rest now. */
  finishAll(): void {
    if (this.count > 0) for (const records of this.#records) records.finish();
  }

  /** Delivers and bounds the ready records, before records are requeued and before that makes room for consumers. */
  expect(): void {
    if (!this.#queue.policy.dropsReturned || this.#hasNew) return;
    this.#queue.catchUp();
    this.#hasNew = true;
  }

  /**
   * A method has requeued all that it names. Records that a bound drops go before they can be delivered again, and the next
   * publish of the same client finds the others delivered.
   */
  done(): void {
    if (this.#hasNew) this.#queue.catchUp();
  }

  /** Whether the bounds must be applied to requeued records before deliveries. True once. */
  takeNew(): boolean {
    const hasNew = this.#hasNew;
    this.#hasNew = false;
    return hasNew;
  }
}
