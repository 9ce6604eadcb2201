/**
 * Deletes records that were not consumed: because of bounds on length and bytes, age, or expiry at the head of a queue.
 *
 * Expiry looks at the head only, as in RabbitMQ's classic queues: an expired record waits behind one that lives longer. What a bound
 * drops is the head too: with priorities the oldest record of the highest one.
 */
import { expirationMs } from "../../message/amqp/property-offsets.ts";
import type { Broker } from "../broker.ts";
import { type DeadLetterReason, deadLetterPlace } from "../retry/dead-queue.ts";
import { deadLetter } from "./dead-letter.ts";
import { giveBack } from "./delivery.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { Queue } from "./queue.ts";
import { amqpPropertiesOf } from "../cursor/record-view.ts";

const trimmedAtOnce = 16;
const oldestId = new EntryId();

export class Retention {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /**
   * Applies the bounds on length and bytes when records came. A queue that refuses new messages drops no message that it has
   * taken: it was confirmed, and the queue exceeds its bound only by requeued messages.
   */
  enforce(queue: Queue): void {
    const { policy } = queue;
    if (queue.kind === "stream") return this.#enforceStream(queue);
    if (policy.overflow !== "drop-head") return;
    queue.readyBytes?.countNew();
    // Lowered bounds are applied in slices (policy-change.ts), but to a small queue at once.
    let left = queue.policies.change.isTrimming ? trimmedAtOnce : Infinity;
    while (left-- > 0 && this.isBeyondBounds(queue) && this.#dropHead(queue, "maxlen"));
  }

  /** Whether more records are ready than the bounds allow. While bytes are still being counted, only the length is compared. */
  isBeyondBounds(queue: Queue): boolean {
    const { policy, readyBytes } = queue;
    if (policy.maxLength !== undefined && queue.readyCount > policy.maxLength) return true;
    return readyBytes !== null && !readyBytes.isCounting && readyBytes.total > policy.maxLengthBytes!;
  }

  /** Drops one record of a queue that exceeds its bounds; false if it cannot in this turn. */
  trimOne(queue: Queue): boolean {
    return this.#dropHead(queue, "maxlen");
  }

  /**
   * Whether the queue takes `count` messages whose bodies have `bytes` in all. Only a queue that refuses messages beyond its
   * bounds (`x-overflow`) may not. As in RabbitMQ 3.10.8, the ready messages count, the new ones included.
   */
  hasRoom(queue: Queue, count: number, bytes: number): boolean {
    return queue.policy.overflow === "drop-head" || hasRoomFor(queue, count, bytes);
  }

  /** All bounds of a stream, at once. */
  streamBounds(queue: Queue): void {
    this.#enforceStream(queue);
    this.sweep(queue);
  }

  #enforceStream(queue: Queue): void {
    const { policy, log } = queue;
    if (policy.maxLength !== undefined && log.length > policy.maxLength) {
      this.#removeBelow(queue, log.removed.offsetAfter(log.length - policy.maxLength, log.stableEnd));
    }
  }

  /**
   * Called now and then: applies bounds on age and bytes, which work on whole frames, and expires the head of a queue that nobody
   * reads.
   */
  sweep(queue: Queue): void {
    const { policy, log } = queue;
    if (queue.kind === "queue") {
      if (queue.canExpire && queue.readyCount > 0) this.expireHead(queue, true);
      const history = queue.cursor!.history;
      // Whatever the bounds say: an unsettled record is not history yet.
      if (history !== null && queue.keepsHistory)
        log.removeBelow(Math.min(this.#keptFrom(queue, policy.historyBytes), history.first));
      return;
    }
    this.#removeBelow(queue, this.#keptFrom(queue, policy.historyBytes ?? policy.maxLengthBytes));
  }

  /** What a bound takes from the front of a stream. */
  #removeBelow(queue: Queue, offset: number): void {
    const { log } = queue;
    if (queue.trace !== null) this.#broker.tracer.removed(queue, log.firstOffset, offset, "retention");
    log.removeBelow(offset);
  }

  /** The first offset that the bounds on age and bytes keep. */
  #keptFrom({ policy, log }: Queue, bytesMax: number | undefined): number {
    let from = log.firstOffset;
    if (policy.historyMs !== undefined && log.length > 0) {
      const oldest = this.#broker.clock.now() - policy.historyMs;
      if (log.timestampOfFirst() < oldest) {
        const byTime = log.offsetOfTimestamp(oldest);
        // A Kafka producer may write old timestamps: its records are still kept for that long after they arrived.
        const byArrival = log.offsetOfEntryId(oldestId.set(Math.max(oldest, 0), 0));
        from = Math.min(byTime < 0 ? log.nextOffset : byTime, byArrival);
      }
    }
    if (bytesMax !== undefined && log.bytes > bytesMax) from = Math.max(from, log.offsetForBytes(bytesMax));
    return from;
  }

  /**
   * Drops expired records at the head of a queue, and sets a timer for the next one. A record with a ttl of 0 is left for a
   * consumer that can take it as it comes, unless `isLate`. If it was there before, behind others or requeued, it has had its
   * chance. False: this tick has dropped as many as it may, and the record at the head is expired and may not be delivered; the
   * next tick goes on.
   */
  expireHead(queue: Queue, isLate: boolean, now: number = this.#broker.clock.now()): boolean {
    // The end of the filing schedules the queue.
    if (queue.isFiling) return false;
    const cursor = queue.cursor!;
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
    // No record is left that could expire; the next publish with an expiration sets it again.
    if (queue.log.length === 0) {
      queue.canExpire = queue.policy.messageTtl !== undefined;
      queue.hasExpirations = false;
    }
    return true;
  }

  #expiresAt(queue: Queue): number {
    const record = queue.cursor!.record;
    let ttl = queue.policies.ttlOf(record.offset) ?? Infinity;
    if (!queue.hasExpirations) return record.timestamp + ttl;
    const properties = amqpPropertiesOf(record);
    if (properties !== null) {
      const own = expirationMs(properties);
      if (own >= 0 && own < ttl) ttl = own;
    }
    return record.timestamp + ttl;
  }

  /**
   * Not in this turn: the next record is still being requeued, or records are being filed, or it must be dead-lettered and would have to
   * be decompressed for that.
   */
  #mustWait(queue: Queue): boolean {
    if (queue.returns.isHead || queue.isFiling) return true;
    const { inflation } = this.#broker;
    if (!inflation.isSpent || queue.policy.deadLetterExchange === undefined) return false;
    if (!queue.cursor!.peek() || !inflation.isSpentFor(queue.cursor!.record)) return false;
    inflation.continueLater(queue, false);
    return true;
  }

  /** Removes the record at the head and dead-letters it; false if no record is ready, or not in this turn. */
  #dropHead(queue: Queue, reason: DeadLetterReason): boolean {
    const cursor = queue.cursor!;
    if (this.#mustWait(queue) || !cursor.take()) return false;
    queue.readyBytes?.taken(cursor.record);
    this.discard(queue, cursor.record.offset, reason);
    return true;
  }

  /**
   * Removes a record for good: to where the queue's dead letters go. Where that fails it stays in the queue. False: there is no room for
   * it there now, and it is still held.
   */
  discard(queue: Queue, offset: number, reason: DeadLetterReason): boolean {
    try {
      if (deadLetterPlace(queue, reason) !== null) {
        if (!deadLetter(queue, offset, reason)) return false;
        queue.log.movesOn(offset);
      }
    } catch (error) {
      giveBack(queue, offset);
      throw error;
    }
    if (queue.trace !== null) this.#broker.tracer.left(queue, offset, reason);
    if (reason === "expired") queue.expired++;
    else if (reason === "maxlen") queue.dropped++;
    else queue.rejected++;
    queue.drop(offset);
    return true;
  }
}

/** Whether the queue takes that without dropping other messages for it. A stream does: its bounds are not for what is new. */
export function hasRoomFor(queue: Queue, count: number, bytes: number): boolean {
  if (queue.cursor === null || fits(queue, count, bytes)) return true;
  // A message that a consumer can take at once does not fill a queue.
  return queue.consumers.size > 0 && queue.catchUp() && fits(queue, count, bytes);
}

/**
 * Whether it has room in its current state. Counts records of this turn too, which the log does not show yet, and dead letters that wait
 * for other queues: nothing else bounds them.
 */
export function fits(queue: Queue, count: number, bytes: number): boolean {
  const { policy, readyBytes, log } = queue;
  if (policy.maxLength !== undefined) {
    const ready = queue.readyCount + log.store.openCountOf(log);
    if (ready + queue.lettersWaiting + count > policy.maxLength) return false;
  }
  if (readyBytes === null) return true;
  log.store.seal();
  readyBytes.countNew();
  return readyBytes.total + queue.letterBytesWaiting + bytes <= policy.maxLengthBytes!;
}
