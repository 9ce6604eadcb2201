/**
 * Stored batches of Kafka's that readers of other protocols decompress, bounded for each turn: a record of a few bytes
 * may stand for megabytes, and a consumer may take hundreds of records in one turn.
 *
 * Whoever is about to read a record asks `isSpentFor` first, and if so leaves it to a later turn by `continueLater`.
 * Not here: batches that are kept decompressed (message/convert/kafka-frame.ts), the bound of one batch (limits.ts).
 * Invariant: a turn goes over the bound by one batch at most; who got nothing in one turn comes first in the next.
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
  /** Queues that go on in the next turn: those that got something in this one, and those that did not. */
  #served: Queue[] = [];
  #unserved: Queue[] = [];

  constructor(timers: Timers, schedule: (queue: Queue) => void) {
    this.#timers = timers;
    this.#schedule = schedule;
  }

  get isSpent(): boolean {
    return kafkaFrames.inflatedBytes - this.#spentBefore >= limits.turnInflatedBytesMax;
  }

  /** The record would have to be decompressed, for which there is no room in this turn. */
  isSpentFor(record: StoredRecord): boolean {
    return this.isSpent && record.envelope === envelope.kafka && kafkaFrames.inflates(record);
  }

  /** Has the queue looked at in the next turn. */
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
