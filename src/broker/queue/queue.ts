/**
 * A named log with its readers: a queue or a stream queue in AMQP, a stream in Redis, a partition in Kafka.
 *
 * In a `queue`, which has one cursor, a record is deleted once it is settled. A `stream` keeps its records until retention deletes
 * them. Deliveries run at the end of each tick, in `atTickEnd`. Invariants: each record of a queue is ready, held by one consumer,
 * or gone; a consumer never has more records than its prefetch.
 */
import { assertsAreOn } from "../../base/assert.ts";
import { type Log, LogReader } from "../../storage/index.ts";
import type { ProducerState } from "./producer-state.ts";
import type { ArgumentTypes } from "../exchange/routing/plain-arguments.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { GroupCursor } from "../groups/group-cursor.ts";
import type { TickedQueue } from "../ticker.ts";
import type { Vhost } from "../vhost.ts";
import type { Intake } from "../intake/intake.ts";
import { QueueConsumers } from "./consumers.ts";
import type { QueueKind, QueueOptions } from "./definition.ts";
import { deliverReady } from "./delivery.ts";
import { PriorityFiling } from "./filing.ts";
import { HistoryMarks } from "./history-marks.ts";
import type { QueueRetries } from "../retry/queue-retries.ts";
import { giveUp, isExhausted, resumeWaiting } from "../retry/rejection.ts";
import { effectivePolicy, keepsHistory, type PolicyLayers, type QueuePolicy } from "../policy/policy.ts";
import { QueuePolicies } from "../policy/policies.ts";
import type { LogWaiter, QueueConsumer } from "./readers.ts";
import { QueueReturns } from "./returns.ts";
import { assertQueue } from "./queue-invariants.ts";
import { ReadyBytes } from "./ready-bytes.ts";
import type { QueueTrace } from "../trace/queue-trace.ts";

/** Limits nesting: dead letters of one queue may make another queue catch up, and so on. */
const queuesCatchingUpMax = 16;

export class Queue implements TickedQueue {
  readonly kind: QueueKind;
  readonly name: string;
  readonly vhost: Vhost;
  readonly durable: boolean;
  readonly exclusiveOwner: number;
  readonly autoDelete: boolean;
  readonly args: BindingArguments;
  readonly argTypes: ArgumentTypes | undefined;
  /** Made by being written to, and not declared since; see name-rules.ts. */
  isImplicit: boolean;
  /** The merged policy; `policies` replaces it. */
  policy: QueuePolicy;
  readonly policies: QueuePolicies;
  /** Takes some messages of clients before the log does; mostly null. Set with the policy. */
  intake: Intake | null = null;
  /** Some records may expire, so the head is checked before each delivery. */
  canExpire: boolean;
  /** Some records may have an expiration of their own. */
  hasExpirations = false;
  /** Settled records stay in the log. After a policy change the cursor may still have a history that is being forgotten. */
  keepsHistory: boolean;
  readonly log: Log;
  /** The queue's own cursor; streams have none. */
  readonly cursor: QueueCursor | null;
  /** Redis consumer groups. */
  groups = new Map<string, GroupCursor>();
  readonly waiters = new Set<LogWaiter>();
  /** Idempotent producers (Kafka); null before the first. */
  producers: ProducerState | null = null;
  readonly consumers = new QueueConsumers<QueueConsumer>();
  /** AMQP consumers of a stream, which are among the waiters. */
  streamConsumers = 0;
  /** Only for a queue with a bound on bytes. */
  readyBytes: ReadyBytes | null;
  /** Records that are traced, or are to be; null: none. Kept by `broker.tracer`. */
  trace: QueueTrace | null = null;
  /** Only for a queue with priorities. */
  readonly filing: PriorityFiling | null = null;
  hadConsumers = false;
  isDeleted = false;
  /** Wall time at which it is deleted, ms; 0: never. Set by timed-deletions.ts. */
  deleteAt = 0;
  #isSettling = false;
  /** Records that consumers are requeueing. */
  readonly returns: QueueReturns;
  /** Rejected records that come again; null before the first. */
  retries: QueueRetries | null = null;
  /**
   * Records below this offset were there when deliveries and bounds were last applied. A record with a ttl of 0 above it has just
   * come, and may go to a consumer that can take it at once.
   */
  settledTo = 0;
  /** In the ticker's list of queues for the end of this tick. */
  isScheduled = false;
  /** Its last turn failed with an error, which has been logged. */
  hasFailed = false;
  /** Wall time, in ms, at which a timer schedules it. */
  wakeAt = Infinity;
  // Counted since the start, for rates.ts.
  delivered = 0;
  redelivered = 0;
  acknowledged = 0;
  requeued = 0;
  expired = 0;
  dropped = 0;
  rejected = 0;
  /** Copies of messages that it had accepted. */
  deduplicated = 0;
  /** Of the delivered ones: those that needed no acknowledgement; those of basic.get, with and without. */
  deliveredNoAck = 0;
  got = 0;
  gotNoAck = 0;
  /** basic.get that found nothing. */
  emptyGets = 0;

  constructor(vhost: Vhost, options: QueueOptions, log: Log, cursor: QueueCursor | null) {
    this.vhost = vhost;
    this.kind = options.kind;
    this.name = options.name;
    this.durable = options.durable;
    this.exclusiveOwner = options.exclusiveOwner;
    this.autoDelete = options.autoDelete;
    this.args = options.args;
    this.argTypes = options.argTypes;
    this.isImplicit = options.isImplicit ?? false;
    this.policy = effectivePolicy(options, options.layers);
    this.canExpire = this.policy.messageTtl !== undefined;
    this.keepsHistory = keepsHistory(this.policy);
    this.log = log;
    this.cursor = cursor;
    log.owner = this;
    // Before the journal's replay, which reports what was settled.
    if (cursor !== null && this.keepsHistory) cursor.history = new HistoryMarks();
    if (this.policy.keepsReturnOrder) cursor?.keepReturnOrder();
    if (cursor !== null && this.policy.maxPriority > 0) {
      cursor.sortByPriority(this.policy.maxPriority);
      this.filing = new PriorityFiling(this);
    }
    this.readyBytes =
      cursor !== null && this.policy.maxLengthBytes !== undefined ? new ReadyBytes(this) : null;
    this.returns = new QueueReturns(this);
    vhost.broker.tracer.policyOf(this, this.policy.traceSample);
    this.policies = new QueuePolicies(this, options);
  }

  /** After replay: any record may have an expiration of its own. */
  restored(): void {
    if (this.kind !== "queue") return;
    this.policies.change.restored();
    resumeWaiting(this);
    if (this.log.length === 0) return;
    this.canExpire = this.hasExpirations = true;
    this.settledTo = this.log.stableEnd;
    this.filing?.catchUp();
    this.vhost.broker.schedule(this);
  }

  /** Not all of its records are filed by their priority yet: nobody knows which comes next. */
  get isFiling(): boolean {
    return this.filing !== null && this.filing.isBehind;
  }

  /**
   * Replaces the policies of the queue. They take effect at once, and what they leave to do on a backlog is done in slices. Stored
   * with the queue's definition. Equal policies change nothing.
   */
  applyLayers(layers: PolicyLayers): void {
    this.policies.applyLayers(layers);
  }

  get consumerCount(): number {
    return this.consumers.size + this.streamConsumers;
  }

  /** Whether the consumer gets records, and does not only wait behind a single active one. */
  isActive(consumer: QueueConsumer): boolean {
    return !this.policy.singleActiveConsumer || this.consumers.active === consumer;
  }

  get isExclusivelyConsumed(): boolean {
    return this.consumers.isExclusive;
  }

  /** A client declared it, consumes from it or took a message: `x-expires` counts from here. */
  used(): void {
    this.policies.idleExpiry.used();
  }

  /** How many records there are to consume: ready, held by consumers, or waiting to come again (docs/retries.md). */
  get messageCount(): number {
    const { cursor, log } = this;
    if (cursor === null || cursor.history === null) return log.length;
    return log.stableEnd - cursor.history.countBelow(log);
  }

  /** How many records are ready: not held by a consumer. */
  get readyCount(): number {
    const { cursor } = this;
    const count = this.messageCount;
    return cursor === null ? count : count - cursor.heldCount - cursor.waiting.count + this.returns.count;
  }

  /** How many records consumers hold. Those that are being requeued in slices are ready already. */
  get unacknowledgedCount(): number {
    return this.cursor === null ? 0 : this.cursor.heldCount - this.returns.count;
  }

  /** How many rejected records wait until they come again. */
  get waitingCount(): number {
    return this.cursor === null ? 0 : this.cursor.waiting.count;
  }

  /** Dead letters that wait until other queues take them, which only a queue that dead-letters at least once has. */
  get lettersWaiting(): number {
    return this.policy.deadLettersSurely ? (this.vhost.broker.stations?.deadLettersOf(this) ?? 0) : 0;
  }

  get letterBytesWaiting(): number {
    return this.policy.deadLettersSurely ? (this.vhost.broker.stations?.deadLetterBytesOf(this) ?? 0) : 0;
  }

  /** Walks the records from `offset` on without consuming them. */
  reader(offset = 0, seesOpen = false): LogReader {
    return new LogReader(this.log, offset, seesOpen);
  }

  /** Records that no reader has seen are about to be deleted. A history counts them as settled. */
  aborting(from: number, to: number): void {
    for (let offset = from; offset < to; offset++) this.cursor?.gone(offset);
  }

  /** Records were appended in this tick, or became stable. */
  appended(): void {
    this.vhost.broker.schedule(this);
  }

  /** Schedules the queue for the end of the tick. */
  schedule(): void {
    if (!this.isDeleted) this.vhost.broker.schedule(this);
  }

  wakeNoLaterThan(at: number): void {
    this.vhost.broker.wakeQueueAt(this, at);
  }

  /**
   * The end of the tick. Deliveries come before bounds: a record that a consumer can take at once never counts for a bound, as in
   * RabbitMQ. For requeued records see `returns`. The ticker logs an error (corrupt bytes) once, and it stops no other queue.
   */
  atTickEnd(): void {
    if (this.isDeleted) return;
    this.#settleRecords(this.vhost.broker.ticker.deliveryTime);
    let failure: unknown;
    for (const waiter of this.waiters) {
      try {
        waiter.logChanged(this);
      } catch (error) {
        // The other waiters must hear of it all the same.
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Does in the middle of a turn what the end of the tick does: delivers, then applies the bounds. So a method that looks at the
   * queue sees the effects of all methods before it, as in RabbitMQ. False if nothing was done because it is being done already.
   */
  catchUp(): boolean {
    const { broker } = this.vhost;
    if (this.isDeleted || this.#isSettling) return false;
    broker.storage.unwritten.lookedAt(this.log);
    if (broker.queuesCatchingUp >= queuesCatchingUpMax) return false;
    this.log.store.seal();
    // A stream has bounds alone, which hold for what was there when they were applied last.
    if (this.cursor === null && this.settledTo === this.log.stableEnd) return true;
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

  /**
   * Before a consumer of a queue with priorities gets room, and while it still counts as having none: what came before that goes to
   * consumers that had room, or waits by its priority.
   */
  expectRoom(): void {
    const { cursor, log } = this;
    if (this.filing === null || this.filing.isBehind || this.isDeleted) return;
    if (cursor!.next < log.stableEnd || log.store.openCountOf(log) > 0) this.catchUp();
  }

  /** Deliveries, then bounds. Not reentrant, since a dead letter may lead back to this queue. */
  #settleRecords(now: number): void {
    const { retention } = this.vhost.broker;
    this.#isSettling = true;
    try {
      this.readyBytes?.countNew();
      if (this.returns.takeNew()) retention.enforce(this);
      if (this.consumers.size > 0 && !this.isFiling) deliverReady(this, now);
      if (this.filing !== null) this.filing.fileNew();
      retention.enforce(this);
      if (this.cursor !== null) this.dropExpired();
    } finally {
      this.settledTo = this.log.stableEnd;
      this.#isSettling = false;
    }
    if (assertsAreOn && this.vhost.broker.queuesCatchingUp <= 1) assertQueue(this);
  }

  /** A record cannot be read. Logged once, until a turn succeeds. */
  failed(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.vhost.broker.logger.error("a queue cannot deliver; run troikamq check, or purge or delete it", {
      queue: this.name,
      vhost: this.vhost.name,
      error: error instanceof Error ? error : new Error(String(error)),
    });
  }

  /** Drops expired records at the head, so that they are not counted. */
  dropExpired(): void {
    if (this.canExpire && this.readyCount > 0) this.vhost.broker.retention.expireHead(this, true);
  }

  addConsumer(consumer: QueueConsumer): void {
    this.consumers.add(consumer);
    this.hadConsumers = true;
    this.vhost.broker.schedule(this);
  }

  /** A consumer that had no room may have room again. */
  consumerReady(consumer: QueueConsumer): void {
    if (consumer.isParked) {
      // Credit of its channel or room of its connection: while it is parked it is given nothing of what came before.
      if (this.filing !== null) this.expectRoom();
      this.consumers.ready(consumer);
    }
    this.vhost.broker.schedule(this);
  }

  /**
   * Removes consumers together, such as all of a channel. Their session requeues what they hold. An auto-delete queue is deleted
   * with its last consumer.
   */
  removeConsumers(gone: Iterable<QueueConsumer>): void {
    let isAny = false;
    for (const consumer of gone) if (this.consumers.remove(consumer)) isAny = true;
    // The queue was deleted, and had told its consumers.
    if (!isAny) return;
    this.used();
    if (this.autoDelete && this.hadConsumers && this.consumers.size === 0 && !this.isDeleted) {
      this.vhost.deleteQueue(this);
    } else this.vhost.broker.schedule(this);
  }

  /** A consumer has acknowledged a record. */
  settle(offset: number): void {
    if (this.trace !== null) this.vhost.broker.tracer.acknowledged(this, offset);
    this.drop(offset);
    this.acknowledged++;
  }

  /** Removes the record from the queue, and from the log unless the queue keeps its history. */
  drop(offset: number): void {
    this.cursor!.gone(offset);
    if (!this.keepsHistory) this.log.remove(offset);
  }

  /** Deletes the record at an offset, whoever holds it (XDEL). */
  removeAt(offset: number): void {
    this.readyBytes?.removing(offset, offset + 1);
    if (this.trace !== null) this.vhost.broker.tracer.left(this, offset, "deleted");
    this.cursor?.gone(offset);
    this.log.remove(offset);
  }

  /**
   * A consumer requeues a record. It is delivered again in its old place (see `policy.keepsReturnOrder`), unless it was requeued
   * too often. A method that requeues calls `returns` before the first record and after the last.
   */
  requeue(offset: number): void {
    const cursor = this.cursor!;
    if (this.trace !== null) this.vhost.broker.tracer.requeued(this, offset);
    if (isExhausted(this, offset)) {
      giveUp(this, offset, "delivery_limit");
      return;
    }
    this.requeued++;
    cursor.requeue(offset);
    this.readyBytes?.returned(offset);
    this.vhost.broker.schedule(this);
  }
}
