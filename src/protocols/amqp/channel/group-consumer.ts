/**
 * A consumer of a stream in a group (`x-group`): shares the entries with the other consumers of that group, those of Redis's XREADGROUP too.
 *
 * Acknowledging is XACK; rejecting gives the entry up, as TROIKA.NACK does; what is requeued, or was held when the consumer went, comes
 * again at once. Not here: whose turn it is (broker/groups/group-feed.ts), delays and dead letters (broker/groups/give-up.ts).
 * Invariants: it holds at most `prefetch` deliveries; in the group it has a name as long as it is there or holds something.
 */
import type { BindingArguments } from "../../../broker/exchange/routing/router.ts";
import { giveUp } from "../../../broker/groups/give-up.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { GroupFeed, type GroupMember } from "../../../broker/groups/group-feed.ts";
import { giveBack, isThere, memberPrefix } from "../../../broker/groups/group-members.ts";
import type { CursorOwner } from "../../../broker/groups/group-owners.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { ConsumerPlace, LogWaiter } from "../../../broker/queue/readers.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { withHeaderField } from "../core/header-field.ts";
import { brokerName } from "../core/names.ts";
import { shortString } from "../core/short-string.ts";
import { writeDeliver } from "../wire/content-output.ts";
import type { Channel } from "./channel.ts";
import { consumerFactsOf } from "./consumer-facts.ts";
import type { Outcome } from "./transaction.ts";
import type { UnackedSource } from "./unacked.ts";

const view = new AmqpView();

export interface GroupConsumerOptions {
  readonly tag: string;
  readonly queue: Queue;
  readonly cursor: GroupCursor;
  readonly priority: number;
  readonly prefetch: number;
  readonly args: BindingArguments;
}

export class GroupConsumer implements LogWaiter, GroupMember, UnackedSource {
  readonly id: number;
  readonly tag: string;
  readonly queue: Queue;
  readonly priority: number;
  readonly prefetch: number;
  readonly args: BindingArguments;
  readonly isNoAck = false;
  readonly isExclusive = false;
  readonly takesRecords = false;
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
  readonly #cursor: GroupCursor;
  /** It in the group. */
  #member: CursorOwner | null = null;
  #isStopped = false;

  constructor(owner: Channel, options: GroupConsumerOptions) {
    this.#owner = owner;
    this.id = owner.broker.takeConsumerId();
    this.tag = options.tag;
    this.queue = options.queue;
    this.priority = options.priority;
    this.prefetch = options.prefetch;
    this.args = options.args;
    this.channel = owner.number;
    this.consumerTag = shortString(options.tag);
    this.frameMax = owner.session.frameMax;
    this.#cursor = options.cursor;
  }

  start(): void {
    const { queue } = this;
    const cursor = this.#cursor;
    this.#join(this.#owner.broker.clock.now());
    (cursor.feed ??= new GroupFeed(cursor)).members.add(this);
    queue.waiters.add(this);
    queue.streamConsumers++;
    this.mayTakeAgain();
  }

  /** It is made again where somebody has removed it from the group (XGROUP DELCONSUMER). */
  #join(now: number): CursorOwner {
    const cursor = this.#cursor;
    const present = this.#member;
    if (present !== null && cursor.ownerById(present.id) === present) return present;
    const name = memberPrefix + brokerName(this.tag);
    const isTaken = cursor.owners.has(name);
    return (this.#member = cursor.addOwner(isTaken ? `${name}#${this.id}` : name, now));
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const { queue } = this;
    if (queue.waiters.delete(this)) queue.streamConsumers--;
    const { feed } = this.#cursor;
    feed?.members.remove(this);
    if (feed?.members.size === 0) this.#cursor.feed = null;
    this.#leaveWhenDone();
  }

  /** Once it is stopped and holds nothing. */
  #leaveWhenDone(): void {
    const member = this.#member;
    if (!this.#isStopped || member === null || member.pending > 0) return;
    this.#member = null;
    if (this.#cursor.ownerById(member.id) === member) this.#cursor.removeOwner(member);
  }

  logChanged(queue: Queue): void {
    const cursor = this.#cursor;
    if (!isThere(queue, cursor)) {
      this.stop();
      this.#owner.consumerCancelled(this);
      return;
    }
    const { inflation } = queue.vhost.broker;
    const outcome = cursor.feed?.serve(inflation) ?? "done";
    if (outcome !== "done") inflation.continueLater(queue, outcome === "later, served");
  }

  canTake(): boolean {
    return this.held + this.uncommitted < this.prefetch && this.#owner.hasCreditFor(this);
  }

  deliver(cursor: GroupCursor): void {
    const owner = this.#owner;
    const { offset } = cursor.record;
    const before = cursor.givenBefore;
    this.hadRoom = true;
    const shown = view.show(cursor.record);
    const parts =
      before === 0
        ? withHeaderField(shown, "x-stream-offset", offset)
        : withHeaderField(shown, "x-stream-offset", offset, { name: "x-delivery-count", value: before });
    const now = owner.broker.clock.now();
    const member = this.#join(now);
    cursor.give(member.id, now);
    member.seenAt = member.activeAt = now;
    const tag = owner.hold(this, offset);
    writeDeliver(owner.output, this, tag, before > 0, parts);
    const { queue } = this;
    queue.delivered++;
    owner.counts.deliver++;
    if (before > 0) {
      queue.redelivered++;
      owner.counts.redeliver++;
    }
    owner.session.delivered();
  }

  /** What became of a delivery. The stream may have another name by now, and the group may be gone. */
  settleInGroup(offset: number, outcome: Outcome): void {
    const cursor = this.#cursor;
    const queue = cursor.log.owner as Queue | null;
    if (queue === null || !isThere(queue, cursor)) return;
    if (outcome === "acknowledged") {
      if (cursor.settle(offset)) queue.acknowledged++;
      this.#owner.counts.ack++;
    } else if (this.#member !== null && cursor.pending.ownerOf(offset) === this.#member.id) {
      // Another consumer may have claimed it, and works on it.
      if (outcome === "requeued") giveBack(queue, cursor, offset);
      else this.#giveUp(queue, offset);
    }
    this.#leaveWhenDone();
  }

  #giveUp(queue: Queue, offset: number): void {
    try {
      giveUp(queue, this.#cursor, offset, { reason: "rejected", delayMs: -1 });
    } catch (error) {
      // The entry cannot be read now, and nobody holds it any more.
      queue.failed(error);
      giveBack(queue, this.#cursor, offset);
    }
  }

  describe(): ConsumerPlace {
    const { number, session } = this.#owner;
    const { userName: user, connection } = session;
    return { consumer: consumerFactsOf(this), channel: number, user, connection };
  }

  mayTakeAgain(): void {
    this.#cursor.feed?.members.ready(this);
    this.queue.vhost.broker.schedule(this.queue);
  }
}
