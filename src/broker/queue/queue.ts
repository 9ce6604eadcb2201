/**
 * A named log with its readers: what AMQP calls a queue or a stream queue, Redis a stream and Kafka a partition.
 *
 * A `queue` has one shared cursor and a record is gone once settled; a `stream` keeps its records until retention takes
 * them. Delivery runs at the end of each tick, in `deliver`. Invariants: of a queue's records, each is ready, held by
 * one consumer, or gone; a consumer never has more than its prefetch.
 */
import { limits } from "../../base/limits.ts";
import { type Log, LogReader } from "../../storage/index.ts";
import type { ProducerState } from "./producer-state.ts";
import type { ArgumentTypes } from "../exchange/routing/plain-arguments.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import { SharedCursor } from "../cursor/shared-cursor.ts";
import type { Vhost } from "../vhost.ts";
import { QueueConsumers } from "./consumers.ts";
import { HistoryMarks } from "./history-marks.ts";
import { keepsHistory, type QueuePolicy, queuePolicy } from "./policy.ts";
import { ReadyBytes } from "./ready-bytes.ts";

export type QueueKind = "queue" | "stream";

export interface QueueOptions {
  name: string;
  kind: QueueKind;
  durable: boolean;
  /** The connection that alone may use it; it is deleted with that connection. 0 for none. */
  exclusiveOwner: number;
  autoDelete: boolean;
  args: BindingArguments;
  argTypes?: ArgumentTypes | undefined;
  /** It comes into being by being written to; nobody declares it. */
  isImplicit?: boolean;
}

/** Somebody who takes records of a queue as they become ready (AMQP basic.consume). */
export interface QueueConsumer {
  /** Above 0, unique in this process. */
  readonly id: number;
  readonly priority: number;
  readonly isNoAck: boolean;
  /** Nobody else may consume from the queue meanwhile. */
  readonly isExclusive: boolean;
  /** For `QueueConsumers` alone: it had no room when it was looked at last. */
  isParked: boolean;
  /** Room in the prefetch and in the connection's output. Once false, it tells `Queue.consumerReady` when it may have room again. */
  canTake(): boolean;
  /** Copies the cursor's record to the client. A no-ack record is settled by the queue, others later by the session. */
  deliver(queue: Queue, cursor: SharedCursor): void;
  /** The queue is gone (basic.cancel to the client). */
  cancelled(queue: Queue): void;
}

/** Somebody who looks at a log by himself and wants to know of new records (long polls, blocking reads, streams). */
export interface LogWaiter {
  /** Records came, or the log was deleted (`queue.isDeleted`). May remove itself from `waiters`. */
  logChanged(queue: Queue): void;
}

/** Records that are being given back over several turns. */
export interface ReturningRecords {
  /** Gives back what is left, now. */
  finish(): void;
}

/** Dead letters of one queue may make another one catch up, and so on. */
const queuesCatchingUpMax = 16;

/** Told of each queue and stream that is made or deleted. */
export interface QueueListener {
  queueMade(queue: Queue): void;
  queueDeleted(queue: Queue): void;
}

export class Queue {
  readonly kind: QueueKind;
  readonly name: string;
  readonly vhost: Vhost;
  readonly durable: boolean;
  readonly exclusiveOwner: number;
  readonly autoDelete: boolean;
  readonly args: BindingArguments;
  readonly argTypes: ArgumentTypes | undefined;
  /** It was made by being written to, and nobody has declared it since; see name-rules.ts. */
  isImplicit: boolean;
  readonly policy: QueuePolicy;
  readonly log: Log;
  /** The queue's own shared cursor; streams have none. */
  readonly cursor: SharedCursor | null;
  /** Redis consumer groups. */
  readonly groups = new Map<string, SharedCursor>();
  readonly waiters = new Set<LogWaiter>();
  /** Idempotent producers (Kafka); null before the first. */
  producers: ProducerState | null = null;
  readonly consumers = new QueueConsumers();
  /** AMQP consumers of a stream, which are among the waiters. */
  streamConsumers = 0;
  /** Kept for a bound by bytes only. */
  readonly readyBytes: ReadyBytes | null;
  #usedAt: number;
  hadConsumers = false;
  isDeleted = false;
  #isSettling = false;
  /** Records that are being given back and still count as held by their cursor: ready, and before all new ones. */
  returning = 0;
  readonly #returns = new Set<ReturningRecords>();
  /** The bounds have not seen yet what was given back; only where `policy.dropsReturned`. */
  #hasNewReturns = false;
  /**
   * Records below were there when deliveries and bounds were last applied. One with a ttl of 0 that is above has just
   * come, and may go to a consumer that takes it at once.
   */
  settledTo = 0;
  /** In the vhost's list of queues to look at when the tick ends. */
  isScheduled = false;
  /** Its last turn ended in an error, which has been logged. */
  hasFailed = false;
  /** Wall time at which the broker looks at it again by itself, ms. */
  wakeAt = Infinity;
  // Counted since the start, for rates.ts.
  delivered = 0;
  redelivered = 0;
  acknowledged = 0;
  requeued = 0;
  expired = 0;
  dropped = 0;
  rejected = 0;

  constructor(vhost: Vhost, options: QueueOptions, log: Log, cursor: SharedCursor | null) {
    this.vhost = vhost;
    this.kind = options.kind;
    this.name = options.name;
    this.durable = options.durable;
    this.exclusiveOwner = options.exclusiveOwner;
    this.autoDelete = options.autoDelete;
    this.args = options.args;
    this.argTypes = options.argTypes;
    this.isImplicit = options.isImplicit ?? false;
    this.policy = queuePolicy(options.args);
    this.log = log;
    this.cursor = cursor;
    log.owner = this;
    // Before the journal's replay, which tells it what was settled.
    if (cursor !== null && keepsHistory(this.policy)) cursor.history = new HistoryMarks();
    if (this.policy.keepsReturnOrder) cursor?.keepReturnOrder();
    this.readyBytes =
      cursor !== null && this.policy.maxLengthBytes !== undefined ? new ReadyBytes(this) : null;
    this.#usedAt = vhost.broker.clock.monotonic();
    if (this.policy.expires !== undefined) this.#expireLater(this.policy.expires);
  }

  /** After replay: any of the records that are there may have an expiration of its own. */
  restored(): void {
    if (this.kind !== "queue" || this.log.length === 0) return;
    this.policy.canExpire = true;
    this.settledTo = this.log.nextOffset;
    this.vhost.broker.schedule(this);
  }

  get consumerCount(): number {
    return this.consumers.size + this.streamConsumers;
  }

  get isExclusivelyConsumed(): boolean {
    return this.consumers.isExclusive;
  }

  /** Somebody declared it, consumes from it or took from it: `x-expires` counts from here. */
  used(): void {
    if (this.policy.expires !== undefined) this.#usedAt = this.vhost.broker.clock.monotonic();
  }

  /** Deletes the queue once nobody has used it for `x-expires`. */
  #expireLater(delayMs: number): void {
    const { clock, timers } = this.vhost.broker;
    timers.after(Math.min(delayMs, limits.timerMsMax), () => {
      if (this.isDeleted) return;
      if (this.consumerCount > 0) this.used();
      const left = this.#usedAt + this.policy.expires! - clock.monotonic();
      if (left <= 0) this.vhost.deleteQueue(this);
      else this.#expireLater(Math.ceil(left));
    });
  }

  /** Records that nobody holds. */
  get readyCount(): number {
    const { cursor, log } = this;
    if (cursor === null) return log.length;
    const unsettled = cursor.history === null ? log.length : log.nextOffset - cursor.history.countBelow(log);
    return unsettled - cursor.heldCount + this.returning;
  }

  /** `count` records will be given back one by one, in slices. */
  beginReturning(records: ReturningRecords, count: number): void {
    this.returning += count;
    this.#returns.add(records);
  }

  endReturning(records: ReturningRecords): void {
    this.#returns.delete(records);
    if (!this.isDeleted) this.vhost.broker.schedule(this);
  }

  /** What comes next is still being given back: nothing newer may be taken, dropped or expire before it. */
  get isHeadReturning(): boolean {
    return this.returning > 0 && !this.cursor!.hasRequeued;
  }

  #finishReturns(): void {
    for (const records of this.#returns) records.finish();
  }

  /** A walker over the records from `offset` on, for those who look without consuming. */
  reader(offset = 0): LogReader {
    return new LogReader(this.log, offset);
  }

  /** Records came into the log in this tick. */
  appended(): void {
    this.vhost.broker.schedule(this);
  }

  /**
   * The end of the tick. Deliveries before bounds: what a consumer can take at once never counts against a bound, as in
   * RabbitMQ; but see `returned`. What it throws (its bytes are corrupt) is logged by the ticker, once, and stops no other
   * queue.
   */
  atTickEnd(): void {
    if (this.isDeleted) return;
    this.#settleRecords(this.vhost.broker.ticker.deliveryTime);
    let failure: unknown;
    for (const waiter of this.waiters) {
      try {
        waiter.logChanged(this);
      } catch (error) {
        // The others are to hear of it all the same.
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Does in the middle of a turn what its end does: delivers, then applies the bounds. A method that looks at the queue
   * sees the state after the methods before it, as in RabbitMQ. False where nothing was done, since it is being done.
   */
  catchUp(): boolean {
    const { broker } = this.vhost;
    if (this.isDeleted || this.#isSettling) return false;
    broker.storage.unwritten.lookedAt(this.log);
    if (broker.queuesCatchingUp >= queuesCatchingUpMax) return false;
    this.log.store.seal();
    broker.queuesCatchingUp++;
    try {
      this.#settleRecords(broker.clock.now());
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    } finally {
      broker.queuesCatchingUp--;
    }
  }

  /** Deliveries, then bounds: where a dead letter leads back to this queue, it is not done inside itself. */
  #settleRecords(now: number): void {
    const { retention } = this.vhost.broker;
    this.#isSettling = true;
    try {
      this.readyBytes?.countNew();
      if (this.#hasNewReturns) {
        this.#hasNewReturns = false;
        retention.enforce(this);
      }
      if (this.consumers.size > 0) this.#deliver(now);
      retention.enforce(this);
      if (this.cursor !== null) this.dropExpired();
    } finally {
      this.settledTo = this.log.nextOffset;
      this.#isSettling = false;
    }
  }

  /** A record of it cannot be read: said once until it can. */
  failed(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.vhost.broker.logger.error("a queue cannot deliver; run troikamq check, or purge or delete it", {
      queue: this.name,
      vhost: this.vhost.name,
      error: error instanceof Error ? error : new Error(String(error)),
    });
  }

  #deliver(now: number): void {
    const cursor = this.cursor!;
    const broker = this.vhost.broker;
    for (let isServed = false; ; isServed = true) {
      const consumer = this.policy.singleActiveConsumer ? this.consumers.nextActive() : this.consumers.next();
      if (consumer === null) return;
      if (this.isHeadReturning) return;
      if (this.policy.canExpire && !broker.retention.expireHead(this, false)) return;
      if (broker.inflation.isSpent && cursor.peek() && broker.inflation.isSpentFor(cursor.record)) {
        broker.inflation.continueLater(this, isServed);
        return;
      }
      if (consumer.isNoAck) {
        if (!cursor.take()) return;
        this.readyBytes?.taken(cursor.record);
        const offset = cursor.record.offset;
        consumer.deliver(this, cursor);
        if (cursor.history === null) this.log.remove(offset);
      } else {
        if (!cursor.acquire(consumer.id, now)) return;
        this.readyBytes?.taken(cursor.record);
        this.#hand(consumer, cursor);
      }
      this.consumers.served();
      this.delivered++;
    }
  }

  /** What cannot be handed over is nobody's: it goes out again when it can be. */
  #hand(consumer: QueueConsumer, cursor: SharedCursor): void {
    const { offset } = cursor.record;
    try {
      consumer.deliver(this, cursor);
    } catch (error) {
      cursor.requeue(offset);
      this.readyBytes?.returned(offset);
      throw error;
    }
  }

  /**
   * Takes the record at the head for somebody who asks once (basic.get); it is in the cursor's `record` then. `owner`
   * holds it, or, with `isNoAck`, it is settled at once and its bytes stay valid for this turn. "later": expired records
   * are before it, and this turn has dropped as many as it may.
   */
  takeForGet(isNoAck: boolean, owner: number): "taken" | "empty" | "later" {
    const cursor = this.cursor!;
    const { clock, retention } = this.vhost.broker;
    if (this.isHeadReturning) this.#finishReturns();
    this.readyBytes?.countNew();
    if (this.policy.canExpire && !retention.expireHead(this, true)) return "later";
    if (isNoAck ? !cursor.take() : !cursor.acquire(owner, clock.now())) return "empty";
    this.readyBytes?.taken(cursor.record);
    if (isNoAck && cursor.history === null) this.log.remove(cursor.record.offset);
    this.delivered++;
    return "taken";
  }

  /** Drops what has expired at the head, so that it is not counted. */
  dropExpired(): void {
    if (this.policy.canExpire && this.readyCount > 0) this.vhost.broker.retention.expireHead(this, true);
  }

  addConsumer(consumer: QueueConsumer): void {
    this.consumers.add(consumer);
    this.hadConsumers = true;
    this.vhost.broker.schedule(this);
  }

  /** A consumer may have room again that had none. */
  consumerReady(consumer: QueueConsumer): void {
    this.consumers.ready(consumer);
    this.vhost.broker.schedule(this);
  }

  /** Takes a consumer away; what it holds is for its session to requeue. An auto-delete queue goes with its last one. */
  removeConsumer(consumer: QueueConsumer): void {
    this.removeConsumers([consumer]);
  }

  /** The same of many that go together, as those of a channel do. */
  removeConsumers(gone: Iterable<QueueConsumer>): void {
    let isAny = false;
    for (const consumer of gone) if (this.consumers.remove(consumer)) isAny = true;
    // The queue was deleted, and had told the consumers.
    if (!isAny) return;
    this.used();
    if (this.autoDelete && this.hadConsumers && this.consumers.size === 0 && !this.isDeleted) {
      this.vhost.deleteQueue(this);
    } else this.vhost.broker.schedule(this);
  }

  /** A consumer is done with a record for good. */
  settle(offset: number): void {
    this.drop(offset);
    this.acknowledged++;
  }

  /** The record is out of the queue: gone from the log too, unless that keeps its history. */
  drop(offset: number): void {
    const cursor = this.cursor!;
    cursor.settle(offset);
    if (cursor.history === null) this.log.remove(offset);
  }

  /** Takes a record out by its place, whoever holds it (XDEL). */
  removeAt(offset: number): void {
    this.readyBytes?.removing(offset, offset + 1);
    this.cursor?.settle(offset);
    this.log.remove(offset);
  }

  /** Takes out all records below an offset, whoever holds them (XTRIM). */
  removeBelow(target: number): void {
    const { cursor, log } = this;
    this.readyBytes?.removing(log.firstOffset, target);
    if (cursor !== null && cursor.pending.size > 0) {
      const held: number[] = [];
      cursor.pending.visit(log.firstOffset, target, (offset) => held.push(offset) > 0);
      for (const offset of held) cursor.settle(offset);
    }
    log.removeBelow(target);
  }

  /**
   * A consumer gives a record back; it goes out again from its old place (see `policy.keepsReturnOrder`), unless it did so
   * too often. A method says `expectReturns` before the first and `returned` behind the last.
   */
  requeue(offset: number): void {
    const cursor = this.cursor!;
    const limit = this.policy.deliveryLimit;
    if (limit !== undefined && cursor.pending.countOf(offset) > limit) {
      this.vhost.broker.retention.discard(this, offset, "delivery_limit");
      return;
    }
    this.requeued++;
    cursor.requeue(offset);
    this.readyBytes?.returned(offset);
    this.vhost.broker.schedule(this);
  }

  /** What is ready is delivered, or bounded, without what will be given back, and without the room that this makes. */
  expectReturns(): void {
    if (!this.policy.dropsReturned || this.#hasNewReturns) return;
    this.catchUp();
    this.#hasNewReturns = true;
  }

  /**
   * A method has given back all that it names. What a bound drops of it goes before anybody may have it again, and what
   * the same client publishes next finds it delivered.
   */
  returned(): void {
    if (this.#hasNewReturns) this.catchUp();
  }

  /** Drops all records that nobody holds and returns how many there were. */
  purge(): number {
    if (this.returning > 0) this.#finishReturns();
    this.log.store.seal();
    const count = this.readyCount;
    const cursor = this.cursor;
    this.readyBytes?.purged();
    if (cursor !== null && cursor.history !== null) cursor.settleReady();
    else if (cursor === null || cursor.pending.size === 0) {
      this.log.removeBelow(this.log.nextOffset);
    } else {
      cursor.forgetRequeued();
      for (let offset = this.log.firstOffset; offset < this.log.nextOffset; offset++) {
        if (cursor.pending.ownerOf(offset) === 0) this.log.remove(offset);
      }
    }
    return count;
  }
}
