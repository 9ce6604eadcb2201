/**
 * One long work that an administrator has started: what it is, how far it is, and how it ended.
 *
 * Not here: doing it, pacing it and keeping it (operations.ts); what it moves (one file for each kind).
 * Invariants: `state` leaves `running` once; what has ended does not change, but for what an undo says of it.
 */

/** What was started: dead letters go home, what was moved is taken back, a history is published again. */
export type OperationKind = "retry" | "undo" | "replay";

export type OperationState = "running" | "finished" | "cancelled" | "failed";

/** `moved` is what `rate` counts; a kind may have more numbers than these. */
export interface Counts {
  matched: number;
  moved: number;
  unroutable: number;
  [name: string]: number;
}

export interface OperationOptions {
  readonly kind: OperationKind;
  /** In the broker's form, as all names here. */
  readonly vhost: string;
  /** The queue or stream that it takes messages from. */
  readonly source: string;
  readonly startedBy: string;
  /** Messages per second; null: as fast as the broker's spare time allows. */
  readonly rate: number | null;
  /** Of an undo: the operation that is undone. */
  readonly undoes?: string;
  /** It only counts. */
  readonly isDry?: true;
}

/** As the table of definitions has it. */
export interface StoredOperation extends OperationOptions {
  readonly state: OperationState;
  readonly counts: Counts;
  readonly targets: readonly string[];
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly error: string | null;
  readonly undoneBy: string | null;
}

export class Operation {
  readonly id: string;
  readonly options: OperationOptions;
  /** Wall time, ms. */
  readonly startedAt: number;
  endedAt: number | null = null;
  state: OperationState = "running";
  /** Why it failed. */
  error: string | null = null;
  undoneBy: string | null = null;
  readonly counts: Counts;
  /** The queues and streams that it has moved messages to. */
  readonly targets: Set<string>;

  constructor(id: string, options: OperationOptions, startedAt: number, counts: Counts) {
    this.id = id;
    this.options = options;
    this.startedAt = startedAt;
    this.counts = counts;
    this.targets = new Set();
  }

  static restored(id: string, stored: StoredOperation): Operation {
    const { kind, vhost, source, startedBy, rate, undoes, isDry } = stored;
    const options = {
      kind,
      vhost,
      source,
      startedBy,
      rate,
      ...(undoes === undefined ? {} : { undoes }),
      ...(isDry === undefined ? {} : { isDry }),
    };
    const operation = new Operation(id, options, stored.startedAt, stored.counts);
    for (const target of stored.targets) operation.targets.add(target);
    operation.endedAt = stored.endedAt;
    operation.state = stored.state;
    operation.error = stored.error;
    operation.undoneBy = stored.undoneBy;
    return operation;
  }

  get stored(): StoredOperation {
    const { options, state, counts, targets, startedAt, endedAt, error, undoneBy } = this;
    return { ...options, state, counts, targets: [...targets], startedAt, endedAt, error, undoneBy };
  }

  get isRunning(): boolean {
    return this.state === "running";
  }
}
