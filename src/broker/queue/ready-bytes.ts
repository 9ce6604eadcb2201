/**
 * How many bytes wait in a queue that `x-max-length-bytes` bounds: message bodies that nobody holds, as RabbitMQ counts.
 *
 * Only such queues have one, since counting reads every record once. Records of other protocols count whole.
 * Invariant: `countNew` is called before a record is taken, so that what is taken was counted.
 */
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { envelope } from "../../message/envelope.ts";
import type { LogReader } from "../../storage/index.ts";
import { noOwner } from "../cursor/pending-table.ts";
import type { Queue } from "./queue.ts";

const parts = new AmqpRecordParts();

export class ReadyBytes {
  total = 0;
  readonly #queue: Queue;
  readonly #news: LogReader;
  readonly #others: LogReader;

  constructor(queue: Queue) {
    this.#queue = queue;
    this.#news = queue.reader();
    this.#others = queue.reader();
  }

  /** Counts what came since the last call; at first, all that is there and was not settled. */
  countNew(): void {
    const { history } = this.#queue.cursor!;
    while (this.#news.next()) {
      if (history === null || !history.has(this.#news.offset)) this.total += sizeOf(this.#news);
    }
  }

  taken(record: LogReader): void {
    this.total -= sizeOf(record);
  }

  /** A consumer gave it back, if it is still there. */
  returned(offset: number): void {
    this.#others.seek(offset);
    if (this.#others.next() && this.#others.offset === offset) this.total += sizeOf(this.#others);
  }

  /** What is there from offset `from` to `to` (left out) is about to go, held or not. */
  removing(from: number, to: number): void {
    this.countNew();
    const { pending, history } = this.#queue.cursor!;
    const reader = this.#others;
    reader.seek(from);
    while (reader.next() && reader.offset < to) {
      const isSettled = history !== null && history.has(reader.offset);
      if (!isSettled && pending.ownerOf(reader.offset) <= noOwner) this.total -= sizeOf(reader);
    }
  }

  purged(): void {
    this.countNew();
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
