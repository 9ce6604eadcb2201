/**
 * The end of each tick, always in this order: deliver, write, send.
 *
 * Nothing leaves on a socket before the journal has written what it depends on, so every acknowledgement survives a killed
 * process. The holds of `NetConnection` do the same for durability. Invariant: output that a session has appended is sent only
 * after a flush that succeeded, in the same turn. While the journal cannot be written, only output leaves that depends on nothing
 * unwritten (net/connection.ts).
 */
import type { BytesInFlight } from "../base/bytes-in-flight.ts";
import type { Clock, Timer, Timers } from "../base/clock.ts";
import { limits, type TurnBounds } from "../base/limits.ts";
import type { ConnectionHost, FlushableConnection } from "../base/connection.ts";
import type { Storage } from "../storage/index.ts";

/** Something that waits for the durable watermark, such as a channel with unconfirmed publishes. */
export interface DurableWaiter {
  /** The watermark is at `position` now. Register again to hear of the next move. */
  durableMoved(position: number): void;
}

/** A queue or stream, as the tick sees it. */
export interface TickedQueue {
  isScheduled: boolean;
  hasFailed: boolean;
  /** Delivers, applies bounds, and tells waiters. */
  atTickEnd(): void;
  /** Called with the error that `atTickEnd` threw. */
  failed(error: unknown): void;
  /** Asks to be scheduled again at that wall time, in ms, or before. */
  wakeNoLaterThan(at: number): void;
}

const retryDelayMs = 100;
const failedQueueRetryMs = 1000;
/** A round delivers what the round before published (dead letters). What is left after this many rounds waits for the next tick. */
const roundsMax = 16;

export interface TickerOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly bounds: TurnBounds;
  readonly inFlight: BytesInFlight;
  /** Checks whether publishers have to wait. */
  readonly afterFlush: () => void;
}

export class Ticker implements ConnectionHost {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly timers: Timers;
  readonly #bounds: TurnBounds;
  readonly inFlight: BytesInFlight;
  readonly #afterFlush: () => void;
  #isRequested = false;
  #isRunning = false;
  #scheduled: TickedQueue[] = [];
  /** Queues that have more to do than one tick allows. */
  readonly #later = new Set<TickedQueue>();
  #expirationsLeft: number;
  #touched: FlushableConnection[] = [];
  #held: FlushableConnection[] = [];
  #waiters: DurableWaiter[] = [];
  #settledWaiters: DurableWaiter[] = [];
  /** What those were told last. */
  #settled = 0;
  #lazySync: Timer | null = null;
  #retry: Timer | null = null;
  isClosed = false;
  /** What nobody waits for is synced within a second. Otherwise it is left to the operating system, until much is written. */
  syncsLazily = true;
  ticks = 0;
  /** Wall time of this tick's deliveries, in ms: read once, not for each queue. */
  deliveryTime = 0;

  constructor(options: TickerOptions) {
    this.#storage = options.storage;
    this.#clock = options.clock;
    this.timers = options.timers;
    this.#bounds = options.bounds;
    this.#expirationsLeft = options.bounds.expiredPerTickMax;
    this.inFlight = options.inFlight;
    this.#afterFlush = options.afterFlush;
  }

  /** Makes sure that this tick ends with a flush. */
  request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    this.timers.atTickEnd(() => this.run());
  }

  schedule(queue: TickedQueue): void {
    if (queue.isScheduled) return;
    queue.isScheduled = true;
    this.#scheduled.push(queue);
    this.request();
  }

  connectionTouched(connection: FlushableConnection): void {
    this.#touched.push(connection);
    this.request();
  }

  connectionHeld(connection: FlushableConnection): void {
    this.#held.push(connection);
  }

  get durablePosition(): number {
    return this.#storage.durable;
  }

  get writtenPosition(): number {
    return this.#storage.written;
  }

  get isStuck(): boolean {
    return this.#storage.gate.writeFailure !== null;
  }

  get unwrittenMark(): number {
    return this.#storage.unwritten.mark;
  }

  /** Calls the waiter once, when the durable watermark next moves. */
  awaitDurable(waiter: DurableWaiter): void {
    this.#waiters.push(waiter);
    this.request();
  }

  /** Calls the waiter once, when more messages are durable, or consumed, than now. */
  awaitSettled(waiter: DurableWaiter): void {
    this.#settledWaiters.push(waiter);
    this.request();
  }

  /** Whether one more expired record may be dropped in this tick. */
  mayExpire(): boolean {
    if (this.#expirationsLeft === 0) return false;
    this.#expirationsLeft--;
    return true;
  }

  /** Schedules the queue for the next tick, even if the current one is just ending. */
  scheduleLater(queue: TickedQueue): void {
    this.#later.add(queue);
    // A tick that is ending requests the next one itself, after the journal has written its data.
    if (!this.#isRunning) this.request();
  }

  /** The durable watermark moved. */
  durableMoved(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    const position = this.#storage.durable;
    for (const waiter of waiters) waiter.durableMoved(position);
    this.#tellSettled();
    this.#touched.push(...this.#held);
    this.#held = [];
    this.run();
  }

  #tellSettled(): void {
    const position = this.#storage.settled;
    if (position <= this.#settled) return;
    this.#settled = position;
    const waiters = this.#settledWaiters;
    if (waiters.length === 0) return;
    this.#settledWaiters = [];
    // The end of a tick follows in any case, and sends what they answer.
    this.#isRequested = true;
    for (const waiter of waiters) waiter.durableMoved(position);
    this.#isRequested = false;
  }

  run(): void {
    if (this.#isRunning || this.isClosed) return;
    this.#isRunning = true;
    this.#isRequested = false;
    this.ticks++;
    this.#expirationsLeft = this.#bounds.expiredPerTickMax;
    for (const queue of this.#later) this.schedule(queue);
    this.#later.clear();
    this.#deliver();
    const isWritten = this.#storage.flush();
    if (isWritten) {
      this.#tellSettled();
      this.#send();
      this.#storage.readAhead();
      this.#sync();
      this.#afterFlush();
    } else this.#waitForDisk();
    this.#isRunning = false;
    if (isWritten && (this.#scheduled.length > 0 || this.#touched.length > 0 || this.#later.size > 0))
      this.request();
  }

  #deliver(): void {
    const storage = this.#storage;
    for (let round = 0; round < roundsMax; round++) {
      storage.seal();
      this.#collect();
      const scheduled = this.#scheduled;
      if (scheduled.length === 0) return;
      if (round === 0) this.deliveryTime = this.#clock.now();
      this.#scheduled = [];
      for (const queue of scheduled) {
        queue.isScheduled = false;
        this.#endTickOf(queue);
      }
    }
  }

  /**
   * An error of one queue (an unreadable record) must not keep others from being answered. The queue is scheduled again later,
   * since the disk may have failed only for a moment.
   */
  #endTickOf(queue: TickedQueue): void {
    try {
      queue.atTickEnd();
      queue.hasFailed = false;
    } catch (error) {
      queue.failed(error);
      // One timer, however often it fails until then: the queue may get messages in every tick.
      queue.wakeNoLaterThan(this.#clock.now() + failedQueueRetryMs);
    }
  }

  #collect(): void {
    const { journal, volatile } = this.#storage;
    for (const store of journal === null ? [volatile] : [journal, volatile]) {
      for (const log of store.dirtyLogs) {
        log.isDirty = false;
        log.owner?.appended();
      }
      store.dirtyLogs.length = 0;
    }
  }

  #send(): void {
    const touched = this.#touched;
    this.#touched = [];
    for (const connection of touched) connection.flush();
  }

  #sync(): void {
    const storage = this.#storage;
    if (storage.durable === storage.written) return;
    const isAwaited = this.#held.length > 0 || this.#waiters.length > 0 || this.#settledWaiters.length > 0;
    if (isAwaited || storage.written - storage.durable > limits.journalBacklogBytesMax / 4) {
      storage.startSync();
      return;
    }
    if (!this.syncsLazily) return;
    this.#lazySync ??= this.timers.after(limits.lazySyncDelayMs, () => {
      this.#lazySync = null;
      storage.startSync();
    });
  }

  /**
   * The journal cannot be written now. Output that depends on unwritten data waits; all other output leaves. Connections without
   * output hear at once that publishers have to wait.
   */
  #waitForDisk(): void {
    const waiting = this.#touched;
    this.#touched = [];
    this.#afterFlush();
    this.#send();
    for (const connection of waiting) {
      if (connection.mayLeave) connection.flush();
      else this.#touched.push(connection);
    }
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry ??= this.timers.after(retryDelayMs, () => {
      this.#retry = null;
      this.request();
    });
  }

  close(): void {
    this.isClosed = true;
    this.#lazySync?.cancel();
    this.#retry?.cancel();
  }
}
