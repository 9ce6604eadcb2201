/**
 * Deletes the queues and streams of a virtual host whose time has come: Redis's EXPIRE of a stream.
 *
 * Wall time, to the millisecond for those who look a queue up by its name (`deleteIfDue`); for all others a timer deletes it, in
 * slices where many are due at once. Not here: keeping the time with the queue's definition (vhost.ts), queues that nobody uses
 * (idle-expiry.ts). Invariants: each queue that has a time stands in the heap with that time; the heap holds at most about twice
 * as many places as there are such queues; before `begin` nothing is deleted.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { Clock, Timer, Timers } from "../../base/clock.ts";
import type { Job, TurnWork } from "../../base/turn-work.ts";

/** A wall clock that was set forward is noticed so late at most. */
const delayMsMax = 10_000;
/** Deleting a queue with its definition. */
const unitsOfQueue = 20;
const stalePlacesMin = 64;
/** While nothing may be deleted the timer looks again this often. */
const heldLookMs = 100;

interface TimedQueue {
  /** Wall time, ms; 0: never. Set here only. */
  deleteAt: number;
}

/** Who may have queues stay that are due: the Redis keyspace. */
export interface DueKeeper {
  /** A command runs that changes nothing: what is due is hidden from it, and stays. */
  readonly keepsDue: boolean;
  /** The timer deletes nothing. */
  readonly keepsAll: boolean;
  /** Wall time, as it is to the command at work. */
  now(): number;
}

interface Place<Queue> {
  readonly at: number;
  readonly queue: Queue;
}

interface TimedDeletionsOptions<Queue> {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  /** Deletes the queue, which then calls `forget`. */
  readonly deleteQueue: (queue: Queue) => void;
  /** Some were deleted by the timer: those who are told of it are to be written to. */
  readonly requestTick: () => void;
}

export class TimedDeletions<Queue extends TimedQueue> {
  readonly #options: TimedDeletionsOptions<Queue>;
  /** Earliest first, as a binary heap. A place is stale once its queue has another time, or is deleted. */
  #heap: Place<Queue>[] = [];
  #timer: Timer | null = null;
  #timerAt = Infinity;
  #isBegun = false;
  #isDeleting = false;
  /** Queues that have a time. */
  count = 0;
  /** Queues deleted because their time had come. */
  deleted = 0;
  /** Is told of each of these, before it is deleted. */
  expiring: ((queue: Queue) => void) | null = null;
  keeper: DueKeeper | null = null;

  constructor(options: TimedDeletionsOptions<Queue>) {
    this.#options = options;
  }

  /** Places in the heap, stale ones too. */
  get placeCount(): number {
    return this.#heap.length;
  }

  /** The broker is open: from now on queues are deleted. */
  begin(): void {
    this.#isBegun = true;
    this.#arm();
  }

  /** The queue is deleted at that wall time, ms; 0: never. */
  set(queue: Queue, at: number): void {
    if (queue.deleteAt !== 0) this.count--;
    queue.deleteAt = at;
    if (at === 0) return;
    this.count++;
    this.#push({ at, queue });
    if (this.#heap.length > 2 * this.count + stalePlacesMin) this.#rebuild();
    this.#arm();
  }

  /** The queue is gone, or has gone elsewhere. */
  forget(queue: Queue): void {
    if (queue.deleteAt !== 0) this.set(queue, 0);
  }

  /** Whether the queue's time had come: then it is deleted now, or hidden from the command that runs. */
  deleteIfDue(queue: Queue): boolean {
    if (!this.isDue(queue)) return false;
    if (this.keeper?.keepsDue === true) return true;
    this.deleted++;
    if (this.expiring !== null) this.expiring(queue);
    this.#options.deleteQueue(queue);
    return true;
  }

  isDue({ deleteAt }: TimedQueue): boolean {
    return deleteAt !== 0 && deleteAt <= (this.keeper ?? this.#options.clock).now();
  }

  #rebuild(): void {
    const live = this.#heap.filter((place) => !isStale(place));
    // A queue may have had the same time twice.
    const places = new Map(live.map((place) => [place.queue, place]));
    if (assertsAreOn) assertInvariant(places.size === this.count, "each queue with a time is in the heap");
    // In order is a heap.
    this.#heap = [...places.values()].toSorted((a, b) => a.at - b.at);
  }

  #push(place: Place<Queue>): void {
    const heap = this.#heap;
    let at = heap.push(place) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.at <= place.at) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = place;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const { length } = heap;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  #first(): Place<Queue> | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || !isStale(first)) return first;
      this.#pop();
    }
  }

  #arm(): void {
    if (!this.#isBegun || this.#isDeleting) return;
    const first = this.#first();
    if (first === undefined || first.at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = first.at;
    const { clock, timers } = this.#options;
    const delayMs = Math.min(Math.max(first.at - clock.now(), this.#isHeld ? heldLookMs : 1), delayMsMax);
    this.#timer = timers.after(delayMs, () => this.#delete());
  }

  #delete(): void {
    const { work, requestTick } = this.#options;
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#isDeleting = true;
    work.run(this.#deleting(), () => {
      this.#isDeleting = false;
      requestTick();
      this.#arm();
    });
  }

  get #isHeld(): boolean {
    return this.keeper?.keepsAll === true;
  }

  *#deleting(): Job<void> {
    for (;;) {
      const first = this.#first();
      if (first === undefined || this.#isHeld || !this.deleteIfDue(first.queue)) return;
      yield unitsOfQueue;
    }
  }
}

function isStale({ at, queue }: Place<TimedQueue>): boolean {
  return queue.deleteAt !== at;
}
