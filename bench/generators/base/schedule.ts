/** When which record may be sent: as fast as it goes, or at a rate that does not wait for the server. Pure. */

export interface Schedule {
  /** The clock begins. */
  start(nowMs: number): void;
  /** How many records, in all, may have been sent by now. */
  allowed(nowMs: number): number;
  /** Nothing more will be allowed than `sent`. */
  isOver(sent: number, nowMs: number): boolean;
  /** When this record counts as sent: when it was due. */
  sentMs(record: number, nowMs: number): number;
  /** Between two records that are sent together. */
  readonly stepMs: number;
}

/** Until the time is up or so many records are sent. */
export class FullSpeed implements Schedule {
  readonly stepMs = 0;
  readonly #secondsMax: number;
  readonly #recordsMax: number;
  #endMs = 0;

  constructor({ secondsMax, recordsMax }: { readonly secondsMax: number; readonly recordsMax: number }) {
    this.#secondsMax = secondsMax;
    this.#recordsMax = recordsMax;
  }

  start(nowMs: number): void {
    this.#endMs = nowMs + this.#secondsMax * 1000;
  }

  allowed(nowMs: number): number {
    return nowMs < this.#endMs ? this.#recordsMax : 0;
  }

  isOver(sent: number, nowMs: number): boolean {
    return nowMs >= this.#endMs || sent >= this.#recordsMax;
  }

  sentMs(_record: number, nowMs: number): number {
    return nowMs;
  }
}

/**
 * Record n is due at n / rate, and goes out with all that fell due in its millisecond, as under a `linger.ms` of 1.
 * The grid is the clock's, not that of the answers: both servers of a pair get the same batches while they keep up.
 */
class Paced implements Schedule {
  readonly stepMs: number;
  readonly #total: number;
  #startMs = 0;

  constructor({ ratePerSecond, seconds }: { readonly ratePerSecond: number; readonly seconds: number }) {
    this.stepMs = 1000 / ratePerSecond;
    this.#total = Math.max(1, Math.round(ratePerSecond * seconds));
  }

  start(nowMs: number): void {
    this.#startMs = nowMs;
  }

  allowed(nowMs: number): number {
    return Math.min(this.#total, Math.floor(Math.floor(nowMs - this.#startMs) / this.stepMs));
  }

  isOver(sent: number): boolean {
    return sent >= this.#total;
  }

  sentMs(record: number): number {
    return this.#startMs + record * this.stepMs;
  }
}

/** By a scenario's rate, or none. @param recordsMax bounds what a full run may store */
export function scheduleFor(
  ratePerSecond: number | undefined,
  limits: { readonly seconds: number; readonly recordsMax: number },
): Schedule {
  return ratePerSecond === undefined
    ? new FullSpeed({ secondsMax: limits.seconds, recordsMax: limits.recordsMax })
    : new Paced({ ratePerSecond, seconds: limits.seconds });
}
