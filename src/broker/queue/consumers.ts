/**
 * Those who take records of one queue (AMQP basic.consume), and whose turn it is.
 *
 * A connection may have tens of thousands of consumers on one queue, and they all go when it does: adding and removing one
 * costs the same however many there are. One that is removed leaves a hole, and holes go once they are the most.
 * Not here: what a consumer is given (queue.ts). Invariant: `size` is the number of slots that are no holes, and
 * these are in the order in which the consumers came.
 */
import type { QueueConsumer } from "./queue.ts";

const holesLeast = 16;

export class QueueConsumers {
  #slots: (QueueConsumer | null)[] = [];
  readonly #slotOf = new Map<QueueConsumer, number>();
  /** How many have each priority. */
  readonly #priorities = new Map<number, number>();
  /** The slot that is looked at first, and the one after the consumer that `next` found. */
  #turn = 0;
  #turnAfter = 0;
  /** The one that `x-single-active-consumer` lets take; it stays while it is there. */
  #active: QueueConsumer | null = null;

  get size(): number {
    return this.#slotOf.size;
  }

  /** Who consumes exclusively is alone. */
  get isExclusive(): boolean {
    if (this.size !== 1) return false;
    const [only] = this.#slotOf.keys();
    return only!.isExclusive;
  }

  add(consumer: QueueConsumer): void {
    this.#slotOf.set(consumer, this.#slots.length);
    this.#slots.push(consumer);
    const { priority } = consumer;
    this.#priorities.set(priority, (this.#priorities.get(priority) ?? 0) + 1);
    this.#turn = 0;
    if (this.size === 1) this.#active = consumer;
  }

  /** False where it is not there. */
  remove(consumer: QueueConsumer): boolean {
    const slot = this.#slotOf.get(consumer);
    if (slot === undefined) return false;
    this.#slotOf.delete(consumer);
    this.#slots[slot] = null;
    const { priority } = consumer;
    const left = this.#priorities.get(priority)! - 1;
    if (left === 0) this.#priorities.delete(priority);
    else this.#priorities.set(priority, left);
    if (this.#active === consumer) this.#active = null;
    this.#turn = 0;
    if (this.#slots.length > holesLeast && this.#slots.length > 2 * this.size) this.#close();
    return true;
  }

  /** Closes the holes. */
  #close(): void {
    this.#slots = [...this.#slotOf.keys()];
    let slot = 0;
    for (const consumer of this.#slotOf.keys()) this.#slotOf.set(consumer, slot++);
    this.#turnAfter = 0;
  }

  /** All of them; then there are none. */
  takeAll(): QueueConsumer[] {
    const all = [...this.#slotOf.keys()];
    this.#slots = [];
    this.#slotOf.clear();
    this.#priorities.clear();
    this.#active = null;
    this.#turn = this.#turnAfter = 0;
    return all;
  }

  /** Round robin among those of the highest priority that can take a record. */
  next(): QueueConsumer | null {
    const slots = this.#slots;
    const count = slots.length;
    const hasOnePriority = this.#priorities.size <= 1;
    let best: QueueConsumer | null = null;
    let bestAt = 0;
    for (let i = 0; i < count; i++) {
      let at = this.#turn + i;
      if (at >= count) at -= count;
      const consumer = slots[at]!;
      if (consumer === null) continue;
      if ((best === null || consumer.priority > best.priority) && consumer.canTake()) {
        best = consumer;
        bestAt = at;
        if (hasOnePriority) break;
      }
    }
    this.#turnAfter = bestAt + 1 >= count ? 0 : bestAt + 1;
    return best;
  }

  /** The single active one, if it can take a record. */
  nextActive(): QueueConsumer | null {
    this.#active ??= this.#firstOfHighestPriority();
    return this.#active !== null && this.#active.canTake() ? this.#active : null;
  }

  #firstOfHighestPriority(): QueueConsumer | null {
    let best: QueueConsumer | null = null;
    for (const consumer of this.#slotOf.keys())
      if (best === null || consumer.priority > best.priority) best = consumer;
    return best;
  }

  /** Who was found last got something: only then has it had its turn, or one message a tick would go to the same for ever. */
  served(): void {
    this.#turn = this.#turnAfter;
  }
}
