/**
 * A consumer of a stream, or of a queue's history: walks the log by itself from where it asked to start; nothing is taken
 * from anybody.
 *
 * Acknowledging only gives credit. Every delivery carries its offset in the header `x-stream-offset`.
 * Invariant: at most `prefetch` deliveries are outstanding; RabbitMQ refuses one without a prefetch, and so do we.
 */
import { limits } from "../../../base/limits.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { LogReader } from "../../../storage/logs.ts";
import type { ConsumerPlace, LogWaiter } from "../../../broker/queue/readers.ts";
import type { BindingArguments } from "../../../broker/exchange/routing/router.ts";
import { consumerParty } from "../../../broker/trace/party.ts";
import type { TraceParty } from "../../../base/trace/trace-event.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import type { Channel } from "./channel.ts";
import type { StreamFilter } from "./stream-filter.ts";
import { withHeaderField } from "../core/header-field.ts";
import { shortString } from "../core/short-string.ts";
import { consumerFactsOf } from "./consumer-facts.ts";
import type { UnackedSource } from "./unacked.ts";
import { writeDeliver } from "../wire/content-output.ts";

const view = new AmqpView();

export interface StreamConsumerOptions {
  readonly tag: string;
  readonly queue: Queue;
  readonly start: number;
  readonly prefetch: number;
  readonly args: BindingArguments;
  readonly filter: StreamFilter | null;
}

export class StreamConsumer implements LogWaiter, UnackedSource {
  readonly id: number;
  readonly tag: string;
  readonly queue: Queue;
  readonly isNoAck = false;
  readonly isExclusive = false;
  readonly prefetch: number;
  readonly args: BindingArguments;
  readonly takesRecords = false;
  awaitsRoom = false;
  hadRoom = false;
  held = 0;
  uncommitted = 0;
  slot = 0;
  readonly channel: number;
  readonly consumerTag: Buffer;
  readonly frameMax: number;
  readonly #owner: Channel;
  readonly #reader: LogReader;
  readonly #filter: StreamFilter | null;

  constructor(owner: Channel, options: StreamConsumerOptions) {
    this.#owner = owner;
    this.id = owner.broker.takeConsumerId();
    this.tag = options.tag;
    this.queue = options.queue;
    this.prefetch = options.prefetch;
    this.args = options.args;
    this.channel = owner.number;
    this.consumerTag = shortString(options.tag);
    this.frameMax = owner.session.frameMax;
    this.#filter = options.filter;
    this.#reader = options.queue.reader(options.start);
  }

  start(): void {
    this.queue.waiters.add(this);
    this.queue.streamConsumers++;
    this.mayTakeAgain();
  }

  stop(): void {
    if (this.queue.waiters.delete(this)) this.queue.streamConsumers--;
  }

  logChanged(queue: Queue): void {
    const owner = this.#owner;
    if (queue.isDeleted) {
      this.stop();
      owner.consumerCancelled(this);
      return;
    }
    const reader = this.#reader;
    const { inflation } = owner.broker;
    let looksLeft = limits.streamFilterLooksMax;
    for (let isServed = false; ; isServed = true) {
      const hasPrefetch = this.held + this.uncommitted < this.prefetch;
      if (!(hasPrefetch && owner.hasCreditFor(this) && reader.next())) return;
      // It goes on behind the record once that is written.
      reader.seek(reader.offset);
      if (inflation.isSpentFor(reader)) {
        inflation.continueLater(queue, isServed);
        return;
      }
      const shown = view.show(reader);
      if (this.#filter !== null && !this.#filter.matches(shown)) {
        reader.seek(reader.offset + 1);
        if (--looksLeft > 0) continue;
        // Nothing may match for long: the others are looked at in later turns.
        owner.broker.work.spend(limits.streamFilterLooksMax);
        owner.broker.ticker.scheduleLater(queue);
        return;
      }
      const parts = withHeaderField(shown, "x-stream-offset", reader.offset);
      const tag = owner.hold(this, reader.offset);
      this.hadRoom = true;
      writeDeliver(owner.output, this, tag, false, parts);
      reader.seek(reader.offset + 1);
      queue.delivered++;
      owner.counts.deliver++;
      owner.session.delivered();
      if (queue.trace !== null) this.#traceDelivery(reader.position - 1);
    }
  }

  #traceDelivery(offset: number): void {
    const partyIs = (): TraceParty => consumerParty(this.describe());
    this.#owner.broker.tracer.delivered(this.queue, offset, { count: 1, isNoAck: false, partyIs });
  }

  describe(): ConsumerPlace {
    const { number, session } = this.#owner;
    const { userName: user, connection } = session;
    return { consumer: consumerFactsOf(this), channel: number, user, connection };
  }

  mayTakeAgain(): void {
    this.queue.vhost.broker.schedule(this.queue);
  }
}
