/**
 * Bounds in each turn how many stored Kafka batches readers of other protocols decompress: a record of a few bytes may decompress
 * to megabytes, and a consumer may take hundreds of records in one turn.
 *
 * A reader calls `isSpentFor` before it reads a record, and calls `continueLater` if the budget is spent. Not here: the cache of
 * decompressed batches (message/convert/kafka-frame.ts), the bound of one batch (limits.ts). Invariant: a turn exceeds the budget
 * by one batch at most; a queue that got nothing in one turn comes first in the next.
 */
import type { Timers } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import { kafkaFrames } from "../../message/convert/kafka-frame.ts";
import { envelope } from "../../message/envelope.ts";
import type { StoredRecord } from "../../message/record.ts";

export class InflationBudget<Queue extends { readonly isDeleted: boolean }> {
  readonly #timers: Timers;
  readonly #schedule: (queue: Queue) => void;
  #spentBefore: number = kafkaFrames.inflatedBytes;
  #isRenewing = false;
  /** Queues that go on in the next turn: those that were served in this one, and those that were not. */
  #served: Queue[] = [];
  #unserved: Queue[] = [];

  constructor(timers: Timers, schedule: (queue: Queue) => void) {
    this.#timers = timers;
    this.#schedule = schedule;
  }

  get isSpent(): boolean {
    return kafkaFrames.inflatedBytes - this.#spentBefore >= limits.turnInflatedBytesMax;
  }

  /** The record would have to be decompressed, and this turn's budget is spent. */
  isSpentFor(record: StoredRecord): boolean {
    return this.isSpent && record.envelope === envelope.kafka && kafkaFrames.inflates(record);
  }

  /** Schedules the queue for the next turn. */
  continueLater(queue: Queue, wasServed: boolean): void {
    (wasServed ? this.#served : this.#unserved).push(queue);
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.#timers.atTickEnd(() => {
      this.#isRenewing = false;
      this.#spentBefore = kafkaFrames.inflatedBytes;
      const queues = [...this.#unserved, ...this.#served];
      this.#unserved = [];
      this.#served = [];
      for (const each of queues) if (!each.isDeleted) this.#schedule(each);
    });
  }
}
