/**
 * Very many deliveries that one method settles (`multiple`, basic.recover, the end of a channel): in slices, over turns.
 *
 * Their tags are not outstanding any more from the moment on in which the method came. What is given back counts as ready
 * at once (`queue.returns`), and goes out before anything new: slices show to nobody. Not here: few deliveries, which
 * are settled in the method's own turn (channel.ts), and transactions, whose commit is whole.
 * Invariant: each delivery is settled once, in the order of tags, whatever becomes of its channel.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { ReturningRecords } from "../../../broker/queue/returns.ts";
import type { Channel } from "./channel.ts";
import type { Outcome } from "./transaction.ts";
import type { Page } from "./unacked.ts";

/** A settlement is a few changes of tables, or a dead letter that is written. */
const settlementUnits: Record<Outcome, number> = { acknowledged: 0.5, requeued: 1, discarded: 8 };

export class ManySettlements implements ReturningRecords {
  readonly #channel: Channel;
  readonly #outcome: Outcome;
  readonly #pages: Page[];
  readonly #queues: Queue[] = [];
  #nextPage = 0;

  /** Settles all outstanding tags up to and including `tag`; the first of them now. */
  static settle(channel: Channel, tag: number, outcome: Outcome): void {
    const many = new ManySettlements(channel, channel.unacked.detach(tag), outcome);
    channel.broker.work.run(many.#job(), () => {});
  }

  private constructor(channel: Channel, pages: Page[], outcome: Outcome) {
    this.#channel = channel;
    this.#pages = pages;
    this.#outcome = outcome;
    if (outcome !== "requeued") return;
    for (const [{ queue, takesRecords }, count] of channel.unacked.countDetached(pages)) {
      if (!takesRecords) continue;
      queue.returns.begin(this, count);
      this.#queues.push(queue);
    }
  }

  *#job(): Job<void> {
    while (this.#nextPage < this.#pages.length) yield this.#settlePage();
  }

  /** Settles the rest now, because a method looks at the queue and must find all of it settled. */
  finish(): void {
    while (this.#nextPage < this.#pages.length) this.#settlePage();
  }

  /** Returns the units of work that it was. */
  #settlePage(): number {
    const page = this.#pages[this.#nextPage++]!;
    const { unacked } = this.#channel;
    const units = Math.ceil(page.outstanding * settlementUnits[this.#outcome]);
    const isReturned = this.#outcome === "requeued";
    // Of this page alone: there may be thousands of pages, and of queues.
    if (isReturned) {
      for (const { queue, takesRecords } of unacked.countDetached([page]).keys())
        if (takesRecords) this.#channel.expectReturnsTo(queue);
    }
    for (let at = unacked.takeDetached(page, 0); at >= 0; at = unacked.takeDetached(page, at + 1)) {
      const { source, offset } = unacked;
      if (isReturned && source.takesRecords) source.queue.returns.count--;
      this.#channel.finishSettlement(source, offset, this.#outcome);
    }
    if (this.#nextPage === this.#pages.length) for (const queue of this.#queues) queue.returns.end(this);
    this.#channel.endReturns();
    return units;
  }
}
