/**
 * The bytes of ready message bodies in a queue that `x-max-length-bytes` bounds, counted as RabbitMQ does.
 *
 * Only such queues have one, since counting reads every record once. Records of other protocols count as a whole. If there is a
 * backlog when counting begins, it is counted in slices (`counting`); until that ends, `total` is what was counted so far, and is
 * not compared with the bound. Invariant: `total` is the size of the ready records below the counted place, which is the log's end
 * unless `isCounting`; `countNew` is called before a record is taken, so a taken record has been counted.
 */
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { envelope } from "../../message/envelope.ts";
import type { Job } from "../../base/turn-work.ts";
import { type Log, LogReader } from "../../storage/index.ts";
import { noOwner } from "../cursor/pending-table.ts";
import type { QueueCursor } from "../cursor/queue-cursor.ts";

const parts = new AmqpRecordParts();

/** How many records are read before other work has its turn, and what they cost (turn-work.ts). */
const countedAtOnce = 64;
const unitsOfCounted = 0.5;

/** The part of the queue that is needed here. */
interface CountedQueue {
  readonly log: Log;
  readonly cursor: QueueCursor | null;
  readonly isDeleted: boolean;
}

export class ReadyBytes {
  total = 0;
  /** The backlog is not counted completely yet. */
  isCounting = false;
  readonly #queue: CountedQueue;
  readonly #news: LogReader;
  readonly #others: LogReader;

  constructor(queue: CountedQueue) {
    this.#queue = queue;
    this.#news = new LogReader(queue.log);
    this.#others = new LogReader(queue.log);
  }

  /** Counts all that is there and that nobody holds; `isCounting` from this call on, though the job may begin in a later turn. */
  counting(): Job<void> {
    this.isCounting = true;
    return this.#countAll();
  }

  *#countAll(): Job<void> {
    while (this.isCounting && !this.#queue.isDeleted) {
      this.#countSome();
      yield countedAtOnce * unitsOfCounted;
    }
  }

  #countSome(): void {
    const { history, pending } = this.#queue.cursor!;
    const news = this.#news;
    for (let left = countedAtOnce; left > 0; left--) {
      if (!news.next()) {
        this.isCounting = false;
        return;
      }
      const isSettled = history !== null && history.has(news.offset);
      if (!isSettled && pending.ownerOf(news.offset) <= noOwner) this.total += sizeOf(news);
    }
  }

  /** Counts the records that came since the last call, and a part of a backlog, so that a small backlog is bounded at once. */
  countNew(): void {
    if (this.isCounting) return this.#countSome();
    const { history } = this.#queue.cursor!;
    while (this.#news.next()) {
      if (history === null || !history.has(this.#news.offset)) this.total += sizeOf(this.#news);
    }
  }

  /** It will be counted later, in the state that it has then. */
  #isYetToCount(offset: number): boolean {
    return this.isCounting && offset >= this.#news.position;
  }

  taken(record: LogReader): void {
    if (!this.#isYetToCount(record.offset)) this.total -= sizeOf(record);
  }

  /** A consumer requeued it, if it still exists. */
  returned(offset: number): void {
    if (this.#isYetToCount(offset)) return;
    this.#others.seek(offset);
    if (this.#others.next() && this.#others.offset === offset) this.total += sizeOf(this.#others);
  }

  /** The records from offset `from` up to but not including `to` are about to be deleted, held or not. */
  removing(from: number, to: number): void {
    this.countNew();
    const { pending, history } = this.#queue.cursor!;
    const reader = this.#others;
    reader.seek(from);
    while (reader.next() && reader.offset < to && !this.#isYetToCount(reader.offset)) {
      const isSettled = history !== null && history.has(reader.offset);
      if (!isSettled && pending.ownerOf(reader.offset) <= noOwner) this.total -= sizeOf(reader);
    }
  }

  purged(): void {
    this.isCounting = false;
    this.#news.seek(this.#queue.log.stableEnd);
    this.total = 0;
  }
}

function sizeOf(record: LogReader): number {
  if (record.envelope === envelope.amqp) {
    readAmqpRecord(record.buffer, record.start, record.end, parts);
    return parts.bodyEnd - parts.bodyStart;
  }
  const size = record.end - record.start;
  return record.envelope === envelope.kafka ? Math.ceil(size / (record.frameEnd - record.frameOffset)) : size;
}
