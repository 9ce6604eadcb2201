/**
 * A channel: its consumers, its unacknowledged deliveries, its mode (plain, confirm or transactional) and the message
 * that is just coming in.
 *
 * Not here: methods (commands/), frames and closing (core/session.ts), where messages go (publisher.ts).
 * Invariants: `globalHeld` is the number of deliveries that consumers of this channel hold; confirm and transaction
 * mode exclude each other; after `release` it holds nothing of the broker.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { type ChannelCounts, newChannelCounts } from "../../../base/connection-facts.ts";
import { limits } from "../../../base/limits.ts";
import {
  type BoundKeys,
  type ExchangeAct,
  exchangeRuleName,
  keysOfPattern,
  type LogAct,
  mayBindFrom,
  mayLeadTo,
  mayUseExchange,
  mayUseLog,
  mayUseTopicKey,
} from "../../../broker/access/rights.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { TopicRight } from "../../../broker/access/topic-rules.ts";
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { reject } from "../../../broker/retry/rejection.ts";
import type { DurableWaiter } from "../../../broker/ticker.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import type { Confirms } from "./confirms.ts";
import { Consumer } from "./consumer.ts";
import type { GroupConsumer } from "./group-consumer.ts";
import type { DirectReplyConsumer } from "./direct-reply.ts";
import { AmqpError } from "../core/errors.ts";
import { IncomingMessage } from "../publish/incoming-message.ts";
import { amqpName, brokerName, strippedName } from "../core/names.ts";
import { Publisher } from "../publish/publisher.ts";
import type { AmqpSession } from "../core/session.ts";
import { publisherOf } from "../core/session-facts.ts";
import { ManySettlements } from "./settlements.ts";
import { StreamConsumer } from "./stream-consumer.ts";
import type { HeldSettlement, Outcome, Transaction } from "./transaction.ts";
import { Unacked, type UnackedSource } from "./unacked.ts";
import { writeMethodFrame } from "../wire/method-codec.ts";
import type { MethodArguments, MethodName } from "../wire/methods.ts";

export type ChannelConsumer = Consumer | StreamConsumer | GroupConsumer;

/** basic.get of one queue as the source of deliveries. */
class GetSource implements UnackedSource {
  readonly queue: Queue;
  readonly id = 0;
  readonly tag = "";
  readonly takesRecords = true;
  held = 0;
  uncommitted = 0;
  slot = 0;

  constructor(queue: Queue) {
    this.queue = queue;
  }

  /** It takes nothing by itself. */
  mayTakeAgain(): void {}
}

export class Channel implements DurableWaiter {
  readonly session: AmqpSession;
  readonly number: number;
  readonly vhost: Vhost;
  readonly broker: Broker;
  readonly output: ByteWriter;
  /** We sent channel.close and wait for its answer: all else is ignored. */
  isClosing = false;
  /** The method whose content is awaited, or that is being run; for channel.close. */
  methodNumber = 0;
  readonly incoming: IncomingMessage;
  readonly publisher: Publisher;
  /** For operators (core/session-facts.ts). */
  readonly counts: ChannelCounts = newChannelCounts();
  confirms: Confirms | null = null;
  /** Waits for the durable watermark already. */
  isAwaitingDurable = false;
  /** In the session's list of channels whose confirms are looked at when the chunk is done. */
  isConfirmListed = false;
  transaction: Transaction | null = null;
  /** basic.qos: for consumers that start from now on, and for the channel; 0 is no bound. */
  consumerPrefetch = 0;
  globalPrefetch = 0;
  globalHeld = 0;
  #lastServed: ChannelConsumer | null = null;
  /** The tick in which all consumers were woken; their queues are looked at when it ends. */
  #wokenAt = -1;
  /** Since then one of them found no credit. */
  #isCreditAwaited = false;
  /** They are woken again, later in this tick or in the next. */
  #isWakeDue = false;
  readonly consumers = new Map<string, ChannelConsumer>();
  readonly unacked = new Unacked();
  /** Holds what basic.get takes, in the eyes of the queues. */
  readonly getOwner: number;
  readonly #getSources = new Map<Queue, GetSource>();
  /** Queues that apply their bounds once the method has given back all that it names. */
  readonly #returningTo = new Set<Queue>();
  directReply: DirectReplyConsumer | null = null;
  /** The queue that an empty name means (spec, queue.declare). */
  lastQueueName = "";

  constructor(session: AmqpSession, number: number, vhost: Vhost) {
    this.session = session;
    this.number = number;
    this.vhost = vhost;
    this.broker = session.broker;
    this.incoming = new IncomingMessage(session.held);
    this.incoming.publisher = () => publisherOf(session);
    this.getOwner = session.broker.takeConsumerId();
    this.output = session.connection.output;
    this.publisher = new Publisher(this);
    session.server.channelsOpened++;
    session.server.ackTimeouts.add(this);
  }

  reply<Name extends MethodName>(name: Name, values: MethodArguments[Name]): void {
    writeMethodFrame(this.output, this.number, name, values);
    this.session.connection.touch();
  }

  get frameTarget(): { channel: number; frameMax: number; output: ByteWriter } {
    return { channel: this.number, frameMax: this.session.frameMax, output: this.output };
  }

  // Names

  /** The queue that a method names; the empty name is the one declared last. Throws NOT_FOUND, RESOURCE_LOCKED. */
  queue(text: string): Queue {
    return this.queueNamed(this.queueName(text));
  }

  /** The same by the broker's name. */
  queueNamed(name: string): Queue {
    const queue = this.vhost.queue(name);
    this.assertMayUse(queue);
    return queue;
  }

  /** Like `queueName`, for methods in which RabbitMQ takes carriage returns and line feeds out of names. */
  strippedQueueName(text: string): string {
    return text === "" ? this.queueName(text) : strippedName(text);
  }

  queueName(text: string): string {
    if (text !== "") return brokerName(text);
    if (this.lastQueueName === "") {
      throw new AmqpError("NOT_FOUND", "no previously declared queue");
    }
    return this.lastQueueName;
  }

  assertMayUse(queue: Queue): void {
    if (queue.exclusiveOwner === 0 || queue.exclusiveOwner === this.session.connection.id) return;
    throw this.locked(queue);
  }

  /** Whether the user may do that with a queue or stream of that name. @throws ACCESS_REFUSED */
  assertMayUseQueue(act: LogAct, name: string): void {
    if (!mayUseLog(this.session, act, this.vhost, name)) throw this.refused("queue", name);
  }

  /** The same of an exchange; see broker/access/rights.ts for bindings and publishing. @throws ACCESS_REFUSED */
  assertMayUseExchange(act: ExchangeAct, name: string): void {
    if (!mayUseExchange(this.session, act, this.vhost, name)) throw this.refused("exchange", name);
  }

  /** Whether the user may lead messages under those keys to an exchange. @throws ACCESS_REFUSED */
  assertMayLeadTo(exchange: string, keys: BoundKeys): void {
    if (!mayLeadTo(this.session, this.vhost, exchange, keys)) throw this.refused("exchange", exchange);
  }

  /** Whether the user may bind something to an exchange by that key. @throws ACCESS_REFUSED */
  assertMayBindFrom(exchange: string, key: string): void {
    if (!mayBindFrom(this.session, this.vhost, exchange, keysOfPattern(key)))
      throw this.refused("exchange", exchange);
    const found = this.vhost.exchanges.get(exchange);
    if (found !== undefined) this.assertMayUseTopicKey("read", found, key);
  }

  /** RabbitMQ's topic permissions. @throws ACCESS_REFUSED */
  assertMayUseTopicKey(right: TopicRight, exchange: Exchange, key: string): void {
    if (mayUseTopicKey(this.session, right, this.vhost, exchange, key)) return;
    throw new AmqpError(
      "ACCESS_REFUSED",
      `access to topic '${amqpName(key)}' in exchange '${amqpName(exchange.name)}' in vhost '${this.vhost.name}' refused for user '${this.session.userName}'`,
    );
  }

  /** RabbitMQ's words. */
  refused(kind: "queue" | "exchange", name: string): AmqpError {
    const shown = amqpName(kind === "exchange" ? exchangeRuleName(name) : name);
    return new AmqpError(
      "ACCESS_REFUSED",
      `access to ${kind} '${shown}' in vhost '${this.vhost.name}' refused for user '${this.session.userName}'`,
    );
  }

  locked(queue: Queue): AmqpError {
    return new AmqpError(
      "RESOURCE_LOCKED",
      `cannot obtain exclusive access to locked queue '${amqpName(queue.name)}' in vhost '${this.vhost.name}'. It could be ` +
        "originally declared on another connection or the exclusive property value does not match that of the " +
        "original declaration.",
    );
  }

  // Deliveries

  /** Whether the connection takes another delivery; if not, the consumer is woken, in its turn, when it does. */
  hasRoomFor(consumer: ChannelConsumer): boolean {
    // Sent or not, what is in the output is little: mostly so, and asked for each delivery.
    if (this.output.length <= limits.outputLowWaterBytes) return true;
    const { connection } = this.session;
    const { outputBytes } = connection;
    if (outputBytes <= limits.outputLowWaterBytes) return true;
    if (outputBytes < limits.deliverOutputBytesMax && !connection.isMemoryShort) return true;
    this.session.waitingConsumers.add(consumer);
    return false;
  }

  hasCreditFor(consumer: ChannelConsumer): boolean {
    if (this.globalPrefetch > 0 && this.globalHeld >= this.globalPrefetch) {
      this.#isCreditAwaited = true;
      return false;
    }
    return this.hasRoomFor(consumer);
  }

  /** Notes a delivery to a consumer and returns its tag. */
  hold(consumer: ChannelConsumer, offset: number): number {
    this.globalHeld++;
    this.#lastServed = consumer;
    return this.unacked.add(consumer, offset);
  }

  /** Notes a delivery to basic.get and returns its tag. */
  holdGet(queue: Queue, offset: number): number {
    let source = this.#getSources.get(queue);
    if (source === undefined) this.#getSources.set(queue, (source = new GetSource(queue)));
    return this.unacked.add(source, offset);
  }

  /** basic.ack, nack, reject. Throws PRECONDITION_FAILED for a tag that is not outstanding. */
  settle(tag: number, multiple: boolean, outcome: Outcome): void {
    const { unacked } = this;
    const isReturned = outcome === "requeued" && this.transaction === null;
    if (!multiple) {
      if (isReturned) this.#expectReturn(tag);
      if (!unacked.take(tag)) throw unknownTag(tag);
      this.#takenSettled(tag, outcome);
    } else {
      if (tag !== 0 && !unacked.has(tag)) throw unknownTag(tag);
      const last = tag === 0 ? unacked.lastTag : tag;
      if (unacked.size > limits.settledAtOnceMax && this.transaction === null && !this.#readsStream) {
        ManySettlements.settle(this, last, outcome);
        return;
      }
      if (isReturned) for (const each of unacked.upTo(last)) this.#expectReturn(each);
      for (const each of unacked.upTo(last)) {
        unacked.take(each);
        this.#takenSettled(each, outcome);
      }
    }
    this.endReturns();
  }

  /** Rejecting what a stream has shown is an error, so that each outcome must be looked at. */
  get #readsStream(): boolean {
    for (const consumer of this.consumers.values()) if (consumer instanceof StreamConsumer) return true;
    return false;
  }

  #takenSettled(tag: number, outcome: Outcome): void {
    const { source, offset } = this.unacked;
    if (outcome !== "acknowledged" && source.queue.kind === "stream" && source.settleInGroup === undefined) {
      throw new AmqpError(
        "NOT_IMPLEMENTED",
        `basic.nack and basic.reject not supported by stream queues queue '${amqpName(source.queue.name)}' in vhost '${this.vhost.name}'`,
      );
    }
    if (this.transaction !== null) {
      // Held until the commit, and still counted as held.
      source.uncommitted++;
      this.transaction.addSettlement({ source, tag, offset, outcome });
      return;
    }
    this.finishSettlement(source, offset, outcome);
  }

  /** Carries out what became of a delivery that left the table. */
  finishSettlement(source: UnackedSource, offset: number, outcome: Outcome): void {
    const { queue } = source;
    if (queue.filing !== null) {
      // Its room comes with this settlement: until then it is held.
      source.uncommitted++;
      queue.expectRoom();
      source.uncommitted--;
    }
    // Before: a dead letter may have the queue deliver, and this consumer has room for it.
    if (source.id > 0) {
      this.globalHeld--;
      // First: the one that was served last comes last.
      if (this.globalPrefetch > 0) this.wakeConsumers();
      source.mayTakeAgain();
    }
    if (source.takesRecords && !queue.isDeleted) {
      if (outcome === "acknowledged") {
        this.counts.ack++;
        queue.settle(offset);
      } else if (outcome === "requeued") queue.requeue(offset);
      else reject(queue, offset);
    } else source.settleInGroup?.(offset, outcome);
  }

  /** Before the delivery leaves the table: it is about to be given back. */
  #expectReturn(tag: number): void {
    const source = this.unacked.sourceOf(tag);
    if (source === null || !source.takesRecords) return;
    this.expectReturnsTo(source.queue);
  }

  expectReturnsTo(queue: Queue): void {
    if (!queue.policy.dropsReturned || queue.isDeleted) return;
    this.#returningTo.add(queue);
    queue.returns.expect();
  }

  /** `finishSettlement` has had all of a method's deliveries. */
  endReturns(): void {
    if (this.#returningTo.size === 0) return;
    const queues = [...this.#returningTo];
    this.#returningTo.clear();
    for (const queue of queues) queue.returns.done();
  }

  /** A rollback: the delivery is outstanding again, under the tag it had. */
  restore({ source, tag, offset }: HeldSettlement): void {
    source.uncommitted--;
    this.unacked.restore(source, tag, offset);
  }

  /**
   * Credit of the channel came back: the queues of all its consumers are looked at when the tick ends, those behind the
   * consumer that was served last first, so that none takes all of it. Once a tick is enough; a consumer that has found
   * the credit gone again in the same tick is woken in the next.
   */
  wakeConsumers(): void {
    const { ticker, timers } = this.broker;
    if (this.#wokenAt !== ticker.ticks) return this.#wakeAll();
    if (!this.#isCreditAwaited || this.#isWakeDue) return;
    this.#isWakeDue = true;
    timers.atTickEnd(() => this.#wakeAll());
  }

  #wakeAll(): void {
    const { ticker, work } = this.broker;
    this.#wokenAt = ticker.ticks;
    this.#isCreditAwaited = this.#isWakeDue = false;
    const consumers = [...this.consumers.values()];
    work.spend(consumers.length >>> 4);
    const first = consumers.indexOf(this.#lastServed!) + 1;
    for (const consumer of consumers.slice(first)) consumer.mayTakeAgain();
    for (const consumer of consumers.slice(0, first)) consumer.mayTakeAgain();
  }

  requeueAll(): void {
    const { unacked } = this;
    if (unacked.size > limits.settledAtOnceMax) {
      ManySettlements.settle(this, unacked.lastTag, "requeued");
      return;
    }
    const last = unacked.lastTag;
    for (const tag of unacked.upTo(last)) this.#expectReturn(tag);
    for (const tag of unacked.upTo(last)) {
      unacked.take(tag);
      this.finishSettlement(unacked.source, unacked.offset, "requeued");
    }
    this.endReturns();
  }

  // Consumers

  /** The queue of a consumer is gone. */
  consumerCancelled(consumer: ChannelConsumer): void {
    if (!this.consumers.delete(consumer.tag) || this.isClosing) return;
    if (!this.session.capabilities.consumerCancelNotify) return;
    this.reply("basic.cancel", { consumerTag: consumer.tag, noWait: true });
  }

  // Confirms

  /** Answers the publishes that are durable now, or consumed; waits for the watermark while others are left. */
  releaseConfirms(): void {
    const { confirms, broker } = this;
    if (confirms === null || this.isClosing) return;
    if (confirms.release(this.output, broker.storage.settled)) {
      this.vhost.confirmed += confirms.confirmed - this.counts.confirm;
      this.counts.confirm = confirms.confirmed;
      this.session.connection.touch();
    }
    if (!confirms.isWaiting || this.isAwaitingDurable) return;
    this.isAwaitingDurable = true;
    broker.ticker.awaitSettled(this);
  }

  durableMoved(_position: number): void {
    this.isAwaitingDurable = false;
    if (!this.session.connection.isClosed) this.releaseConfirms();
  }

  /** The channel ends: its consumers are gone, then what it holds goes back, since none of it may come to them again. */
  release(): void {
    this.stopConsumers();
    this.session.server.ackTimeouts.remove(this);
    this.incoming.drop();
    if (this.transaction !== null) {
      for (const held of this.transaction.settlements) this.restore(held);
      this.transaction.reset();
      this.transaction = null;
    }
    this.requeueAll();
    if (this.directReply !== null) this.session.server.directReplies.delete(this.directReply.replyName);
    this.directReply = null;
  }

  /** The first half of `release`. Where a connection ends, nothing of one channel may come to another one's consumers either. */
  stopConsumers(): void {
    this.isClosing = true;
    const consumers = [...this.consumers.values()];
    this.consumers.clear();
    const byQueue = new Map<Queue, Set<Consumer>>();
    for (const consumer of consumers) {
      if (!(consumer instanceof Consumer)) {
        consumer.stop();
        continue;
      }
      const ofQueue = byQueue.get(consumer.queue);
      if (ofQueue === undefined) byQueue.set(consumer.queue, new Set([consumer]));
      else ofQueue.add(consumer);
    }
    for (const [queue, gone] of byQueue) queue.removeConsumers(gone);
  }
}

function unknownTag(tag: number): AmqpError {
  return new AmqpError("PRECONDITION_FAILED", `unknown delivery tag ${tag}`);
}
