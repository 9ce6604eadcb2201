/**
 * The consumers of one queue (AMQP basic.consume), and whose turn it is.
 *
 * As in RabbitMQ, consumers of one priority stand in a ring. A consumer that got a record goes to the end of the ring. A consumer
 * that is found without room is parked: it leaves the ring until `ready` says that it may have room again, and comes back at the
 * end. So a delivery costs the same however many consumers there are, and however many of them are busy. Adding and removing one
 * costs the same too: a connection may have tens of thousands of consumers on one queue, and they all go when it does.
 *
 * Not here: what a consumer is given (queue.ts), and when it may have room again (its owner calls `ready`). Invariants: each
 * consumer is parked or in the ring of its priority; `#rings` are the rings with members, the highest priority first. A queue
 * calls `next` or `nextActive`, never both.
 */

/** A consumer, as far as its turn is concerned. */
export interface TakesTurns {
  readonly priority: number;
  readonly isExclusive: boolean;
  /** Set only here: the consumer had no room when it was last asked. */
  isParked: boolean;
  canTake(): boolean;
}

/** A consumer's place in its ring; a single consumer is its own neighbour. */
interface Place<Consumer> {
  readonly consumer: Consumer;
  before: Place<Consumer>;
  after: Place<Consumer>;
}

interface Ring<Consumer> {
  readonly priority: number;
  /** Whose turn it is. */
  first: Place<Consumer> | null;
  /** How many consumers have this priority, parked ones included. */
  members: number;
}

export class QueueConsumers<Consumer extends TakesTurns> {
  readonly #places = new Map<Consumer, Place<Consumer>>();
  readonly #ringOf = new Map<number, Ring<Consumer>>();
  readonly #rings: Ring<Consumer>[] = [];
  /** The ring of the consumer that `next` found. */
  #found: Ring<Consumer> | null = null;
  /** With `x-single-active-consumer`, the consumer that gets records, as long as it is there. */
  #active: Consumer | null = null;

  get size(): number {
    return this.#places.size;
  }

  /** The consumer that gets the records of a queue with a single active one. */
  get active(): Consumer | null {
    return this.#active ?? this.#rings[0]?.first?.consumer ?? null;
  }

  /** All of them, in the order in which they came. */
  all(): Iterable<Consumer> {
    return this.#places.keys();
  }

  /** An exclusive consumer is the only one. */
  get isExclusive(): boolean {
    if (this.size !== 1) return false;
    const [only] = this.#places.keys();
    return only!.isExclusive;
  }

  add(consumer: Consumer): void {
    const place = { consumer } as Place<Consumer>;
    place.before = place.after = place;
    this.#places.set(consumer, place);
    const { priority } = consumer;
    let ring = this.#ringOf.get(priority);
    if (ring === undefined) this.#ringOf.set(priority, (ring = { priority, first: null, members: 0 }));
    ring.members++;
    consumer.isParked = false;
    this.#enter(ring, place);
    if (this.size === 1) this.#active = consumer;
  }

  /** False if the consumer is not there. */
  remove(consumer: Consumer): boolean {
    const place = this.#places.get(consumer);
    if (place === undefined) return false;
    this.#places.delete(consumer);
    const ring = this.#ringOf.get(consumer.priority)!;
    if (!consumer.isParked) this.#leave(ring, place);
    if (--ring.members === 0) this.#ringOf.delete(ring.priority);
    if (this.#active === consumer) this.#active = null;
    return true;
  }

  /** Removes and returns all consumers, in the order in which they came. */
  takeAll(): Consumer[] {
    const all = [...this.#places.keys()];
    this.#places.clear();
    this.#ringOf.clear();
    this.#rings.length = 0;
    this.#active = this.#found = null;
    return all;
  }

  /** A consumer may have room again. Does nothing if the consumer is not there, or not parked. */
  ready(consumer: Consumer): void {
    if (!consumer.isParked) return;
    const place = this.#places.get(consumer);
    if (place === undefined) return;
    consumer.isParked = false;
    this.#enter(this.#ringOf.get(consumer.priority)!, place);
  }

  /** Round robin among the consumers of the highest priority that have room. */
  next(): Consumer | null {
    for (;;) {
      const ring = this.#rings[0];
      if (ring === undefined) return null;
      const place = ring.first!;
      const { consumer } = place;
      if (consumer.canTake()) {
        this.#found = ring;
        return consumer;
      }
      consumer.isParked = true;
      this.#leave(ring, place);
    }
  }

  /**
   * The consumer that `next` found got a record, and its turn is over. Without this, a queue with one message in each tick would
   * always serve the same consumer.
   */
  served(): void {
    const ring = this.#found;
    if (ring !== null && ring.first !== null) ring.first = ring.first.after;
  }

  /** The single active one, if it can take a record. */
  nextActive(): Consumer | null {
    this.#active ??= this.#rings[0]?.first!.consumer ?? null;
    this.#found = null;
    return this.#active !== null && this.#active.canTake() ? this.#active : null;
  }

  /** Inserts at the end of the ring, which is just before its first place. */
  #enter(ring: Ring<Consumer>, place: Place<Consumer>): void {
    const { first } = ring;
    if (first === null) {
      ring.first = place.before = place.after = place;
      // Mostly the only one: it comes and goes with each record where the connection is short of room.
      if (this.#rings.length === 0) this.#rings.push(ring);
      else this.#rings.splice(this.#rankOf(ring), 0, ring);
      return;
    }
    place.before = first.before;
    place.after = first;
    first.before.after = place;
    first.before = place;
  }

  #leave(ring: Ring<Consumer>, place: Place<Consumer>): void {
    if (place.after === place) {
      ring.first = null;
      if (this.#rings.length === 1) this.#rings.length = 0;
      else this.#rings.splice(this.#rankOf(ring), 1);
      return;
    }
    place.before.after = place.after;
    place.after.before = place.before;
    if (ring.first === place) ring.first = place.after;
  }

  /** How many rings with members have a higher priority. */
  #rankOf({ priority }: Ring<Consumer>): number {
    const rings = this.#rings;
    let low = 0;
    for (let high = rings.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (rings[middle]!.priority > priority) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
