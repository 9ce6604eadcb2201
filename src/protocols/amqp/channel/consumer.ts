/**
 * A consumer of a queue (basic.consume): takes records while it has credit, and writes each to its connection.
 *
 * Not here: which record it gets (broker/queue/queue.ts), what becomes of it (channel.ts).
 * Invariants: without no-ack it holds at most `prefetch` deliveries (0: no bound); it takes nothing while its
 * connection has more unsent output than `deliverOutputBytesMax`.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { ConsumerPlace, QueueConsumer } from "../../../broker/queue/readers.ts";
import type { QueueCursor } from "../../../broker/cursor/queue-cursor.ts";
import type { BindingArguments } from "../../../broker/exchange/routing/router.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import type { Channel } from "./channel.ts";
import { withHeaderField } from "../core/header-field.ts";
import { shortString } from "../core/short-string.ts";
import { consumerFactsOf } from "./consumer-facts.ts";
import type { UnackedSource } from "./unacked.ts";
import { writeDeliver } from "../wire/content-output.ts";

const view = new AmqpView();

export interface ConsumerOptions {
  readonly tag: string;
  readonly queue: Queue;
  readonly isNoAck: boolean;
  readonly isExclusive: boolean;
  readonly priority: number;
  readonly prefetch: number;
  readonly args: BindingArguments;
}

export class Consumer implements QueueConsumer, UnackedSource {
  readonly id: number;
  readonly tag: string;
  readonly queue: Queue;
  readonly isNoAck: boolean;
  readonly isExclusive: boolean;
  readonly priority: number;
  readonly prefetch: number;
  readonly args: BindingArguments;
  readonly takesRecords = true;
  isParked = false;
  awaitsRoom = false;
  hadRoom = false;
  held = 0;
  uncommitted = 0;
  slot = 0;
  /** For `writeDeliver`. */
  readonly channel: number;
  readonly consumerTag: Buffer;
  readonly frameMax: number;
  readonly #owner: Channel;

  constructor(owner: Channel, options: ConsumerOptions) {
    this.#owner = owner;
    this.id = owner.broker.takeConsumerId();
    this.tag = options.tag;
    this.queue = options.queue;
    this.isNoAck = options.isNoAck;
    this.isExclusive = options.isExclusive;
    this.priority = options.priority;
    this.prefetch = options.prefetch;
    this.args = options.args;
    this.channel = owner.number;
    this.consumerTag = shortString(options.tag);
    this.frameMax = owner.session.frameMax;
  }

  start(): void {
    this.queue.addConsumer(this);
  }

  stop(): void {
    this.queue.removeConsumers([this]);
  }

  canTake(): boolean {
    if (!this.isNoAck && this.prefetch > 0 && this.held + this.uncommitted >= this.prefetch) return false;
    return this.#owner.hasCreditFor(this);
  }

  deliver(queue: Queue, cursor: QueueCursor): void {
    const owner = this.#owner;
    const { record, deliveryCount } = cursor;
    this.hadRoom = true;
    // What cannot be shown is not held.
    let parts = view.show(record);
    let tag: number;
    if (this.isNoAck) {
      tag = owner.unacked.skip();
      owner.counts.deliverNoAck++;
    } else {
      tag = owner.hold(this, record.offset);
      owner.counts.deliver++;
    }
    if (assertsAreOn && !this.isNoAck && this.prefetch > 0)
      assertInvariant(
        this.held + this.uncommitted <= this.prefetch,
        "a consumer holds no more than its prefetch",
      );
    if (queue.policy.countsDeliveries && deliveryCount > 1) {
      parts = withHeaderField(parts, "x-delivery-count", deliveryCount - 1);
    }
    if (deliveryCount > 1) {
      queue.redelivered++;
      owner.counts.redeliver++;
    }
    writeDeliver(owner.output, this, tag, deliveryCount > 1, parts);
    owner.session.delivered();
  }

  describe(): ConsumerPlace {
    const { number, session } = this.#owner;
    const { userName: user, connection } = session;
    return { consumer: consumerFactsOf(this), channel: number, user, connection };
  }

  mayTakeAgain(): void {
    this.queue.consumerReady(this);
  }

  cancelled(_queue: Queue): void {
    this.#owner.consumerCancelled(this);
  }
}
