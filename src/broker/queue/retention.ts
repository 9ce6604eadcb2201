/**
 * What leaves a log without being consumed: bounds by length and bytes, age, and expiry at the head of a queue.
 *
 * Expiry looks at the head only, as RabbitMQ's classic queues do: a record behind one that lives longer waits for it.
 */
import { expirationMs } from "../../message/amqp/property-offsets.ts";
import type { Broker } from "../broker.ts";
import { deadLetter } from "./dead-letter.ts";
import { giveBack } from "./delivery.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { Queue } from "./queue.ts";
import { amqpPropertiesOf } from "../cursor/record-view.ts";

export type DeadLetterReason = "expired" | "maxlen" | "rejected" | "delivery_limit";

const trimmedAtOnce = 16;
const oldestId = new EntryId();

export class Retention {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /**
   * Applies the bounds of length and bytes when records came. A queue that refuses new messages drops none of those it
   * has taken: they were confirmed, and come to be more than its bound by being requeued.
   */
  enforce(queue: Queue): void {
    const { policy } = queue;
    if (queue.kind === "stream") return this.#enforceStream(queue);
    if (policy.overflow !== "drop-head") return;
    queue.readyBytes?.countNew();
    // Bounds that were lowered are applied in slices (policy-change.ts); to a small queue at once all the same.
    let left = queue.policies.change.isTrimming ? trimmedAtOnce : Infinity;
    while (left-- > 0 && this.isBeyondBounds(queue) && this.#dropHead(queue, "maxlen"));
  }

  /** More is ready than the bounds allow, whatever is done then. Bytes that are still being counted are not known. */
  isBeyondBounds(queue: Queue): boolean {
    const { policy, readyBytes } = queue;
    if (policy.maxLength !== undefined && queue.readyCount > policy.maxLength) return true;
    return readyBytes !== null && !readyBytes.isCounting && readyBytes.total > policy.maxLengthBytes!;
  }

  /** Drops one record of a queue that is beyond its bounds; false where it cannot in this turn. */
  trimOne(queue: Queue): boolean {
    return this.#dropHead(queue, "maxlen");
  }

  /**
   * Whether the queue takes `count` messages with bodies of `bytes` in all: only one that refuses what is beyond its
   * bounds (`x-overflow`) may not. RabbitMQ 3.10.8 counts the messages that nobody holds, the new ones among them.
   */
  hasRoom(queue: Queue, count: number, bytes: number): boolean {
    if (queue.cursor === null || queue.policy.overflow === "drop-head") return true;
    if (fits(queue, count, bytes)) return true;
    // What a consumer can take at once does not fill a queue.
    if (queue.consumers.size === 0 || !queue.catchUp()) return false;
    return fits(queue, count, bytes);
  }

  /** All bounds of a stream, at once. */
  streamBounds(queue: Queue): void {
    this.#enforceStream(queue);
    this.sweep(queue);
  }

  #enforceStream(queue: Queue): void {
    const { policy, log } = queue;
    if (policy.maxLength !== undefined && log.length > policy.maxLength) {
      log.removeBelow(log.stableEnd - policy.maxLength);
    }
  }

  /** Now and then: bounds by age and bytes, which work on whole frames; the head of a queue that nobody reads. */
  sweep(queue: Queue): void {
    const { policy, log } = queue;
    if (queue.kind === "queue") {
      if (queue.canExpire && queue.readyCount > 0) this.expireHead(queue, true);
      const history = queue.cursor!.history;
      // Whatever the bounds say: what nobody has settled yet is no history.
      if (history !== null && queue.keepsHistory)
        log.removeBelow(Math.min(this.#keptFrom(queue, policy.historyBytes), history.first));
      return;
    }
    log.removeBelow(this.#keptFrom(queue, policy.historyBytes ?? policy.maxLengthBytes));
  }

  /** The first offset that the bounds by age and bytes keep. */
  #keptFrom({ policy, log }: Queue, bytesMax: number | undefined): number {
    let from = log.firstOffset;
    if (policy.historyMs !== undefined && log.length > 0) {
      const oldest = this.#broker.clock.now() - policy.historyMs;
      if (log.timestampOfFirst() < oldest) {
        const byTime = log.offsetOfTimestamp(oldest);
        // A Kafka producer may write times of long ago: its records stay that long after they arrived all the same.
        const byArrival = log.offsetOfEntryId(oldestId.set(Math.max(oldest, 0), 0));
        from = Math.min(byTime < 0 ? log.nextOffset : byTime, byArrival);
      }
    }
    if (bytesMax !== undefined && log.bytes > bytesMax) from = Math.max(from, log.offsetForBytes(bytesMax));
    return from;
  }

  /**
   * Takes expired records from the head of a queue; sees to it that the next one is looked at in time. A record with a
   * ttl of 0 is left to a consumer that can take it as it comes, unless `isLate`. One that was there before, behind
   * others or given back, has had its chance.
   *
   * False: this tick has dropped enough, the record at the head is expired, and nobody may have it; the next tick goes on.
   */
  expireHead(queue: Queue, isLate: boolean): boolean {
    const cursor = queue.cursor!;
    const now = this.#broker.clock.now();
    const { ticker } = this.#broker;
    while (cursor.peek()) {
      const expiresAt = this.#expiresAt(queue);
      const isInstant = expiresAt === cursor.record.timestamp && cursor.record.offset >= queue.settledTo;
      if (expiresAt > now || (isInstant && !isLate)) {
        if (expiresAt !== Infinity) this.#broker.wakeQueueAt(queue, expiresAt);
        return true;
      }
      if (!ticker.mayExpire()) {
        ticker.scheduleLater(queue);
        return false;
      }
      if (this.#mustWait(queue)) return false;
      if (!this.#dropHead(queue, "expired")) return true;
    }
    // Nothing is left that could expire; the next publish with an expiration says so again.
    if (queue.log.length === 0) queue.canExpire = queue.policy.messageTtl !== undefined;
    return true;
  }

  #expiresAt(queue: Queue): number {
    const record = queue.cursor!.record;
    let ttl = queue.policies.ttlOf(record.offset) ?? Infinity;
    const properties = amqpPropertiesOf(record);
    if (properties !== null) {
      const own = expirationMs(properties);
      if (own >= 0 && own < ttl) ttl = own;
    }
    return record.timestamp + ttl;
  }

  /**
   * Not in this turn: the record that comes next is still being given back, or it is to be a dead letter, for which it
   * would have to be decompressed.
   */
  #mustWait(queue: Queue): boolean {
    if (queue.returns.isHead) return true;
    const { inflation } = this.#broker;
    if (!inflation.isSpent || queue.policy.deadLetterExchange === undefined) return false;
    if (!queue.cursor!.peek() || !inflation.isSpentFor(queue.cursor!.record)) return false;
    inflation.continueLater(queue, false);
    return true;
  }

  /** Removes the record at the head and dead-letters it; false when nothing is ready, or not in this turn. */
  #dropHead(queue: Queue, reason: DeadLetterReason): boolean {
    const cursor = queue.cursor!;
    if (this.#mustWait(queue) || !cursor.take()) return false;
    queue.readyBytes?.taken(cursor.record);
    this.discard(queue, cursor.record.offset, reason);
    return true;
  }

  /** Removes a record for good: to the dead-letter exchange if the queue has one. Where that fails it stays in the queue. */
  discard(queue: Queue, offset: number, reason: DeadLetterReason): void {
    try {
      if (queue.policy.deadLetterExchange !== undefined) deadLetter(queue, offset, reason);
    } catch (error) {
      giveBack(queue, offset);
      throw error;
    }
    if (reason === "expired") queue.expired++;
    else if (reason === "maxlen") queue.dropped++;
    else queue.rejected++;
    queue.drop(offset);
  }
}

/** Whether it has room as it is. Records of this turn count, which the log does not show yet. */
export function fits(queue: Queue, count: number, bytes: number): boolean {
  const { policy, readyBytes, log } = queue;
  if (policy.maxLength !== undefined) {
    if (queue.readyCount + log.store.openCountOf(log) + count > policy.maxLength) return false;
  }
  if (readyBytes === null) return true;
  log.store.seal();
  readyBytes.countNew();
  return readyBytes.total + bytes <= policy.maxLengthBytes!;
}
