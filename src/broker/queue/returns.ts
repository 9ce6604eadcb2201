/**
 * Records that consumers are giving back: a few at once, or many in slices (`ReturningRecords`).
 *
 * Not here: what becomes of one record (`Queue.requeue`), bounds (retention.ts).
 * Invariant: `count` records still count as held by their cursor, and are ready all the same, before all new ones.
 */
/** Records that are being given back over several turns. */
export interface ReturningRecords {
  /** Gives back what is left, now. */
  finish(): void;
}

/** The queue, as far as this has to do with it. */
export interface ReturnsQueue {
  readonly policy: { readonly dropsReturned: boolean };
  readonly cursor: { readonly hasRequeued: boolean } | null;
  catchUp(): boolean;
  /** Sees to it that the queue has its turn at the tick's end. */
  schedule(): void;
}

export class QueueReturns {
  readonly #queue: ReturnsQueue;
  count = 0;
  readonly #records = new Set<ReturningRecords>();
  /** The bounds have not seen yet what was given back; only where `policy.dropsReturned`. */
  #hasNew = false;

  constructor(queue: ReturnsQueue) {
    this.#queue = queue;
  }

  /** `count` records will be given back one by one, in slices; each takes one from `count`. */
  begin(records: ReturningRecords, count: number): void {
    this.count += count;
    this.#records.add(records);
  }

  end(records: ReturningRecords): void {
    this.#records.delete(records);
    this.#queue.schedule();
  }

  /** What comes next is still being given back: nothing newer may be taken, dropped or expire before it. */
  get isHead(): boolean {
    return this.count > 0 && !this.#queue.cursor!.hasRequeued;
  }

  /** Gives back now what is left. */
  finishAll(): void {
    if (this.count > 0) for (const records of this.#records) records.finish();
  }

  /** What is ready is delivered, or bounded, without what will be given back, and without the room that this makes. */
  expect(): void {
    if (!this.#queue.policy.dropsReturned || this.#hasNew) return;
    this.#queue.catchUp();
    this.#hasNew = true;
  }

  /**
   * A method has given back all that it names. What a bound drops of it goes before anybody may have it again, and what
   * the same client publishes next finds it delivered.
   */
  done(): void {
    if (this.#hasNew) this.#queue.catchUp();
  }

  /** Whether the bounds are to look at what was given back, before deliveries do; they look once. */
  takeNew(): boolean {
    const hasNew = this.#hasNew;
    this.#hasNew = false;
    return hasNew;
  }
}
