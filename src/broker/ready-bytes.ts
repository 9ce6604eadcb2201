/**
 * How many bytes wait in a queue that `x-max-length-bytes` bounds: message bodies that nobody holds, as RabbitMQ counts.
 *
 * Only such queues have one, since counting reads every record once. Records of other protocols count whole.
 * Invariant: `countNew` is called before a record is taken, so that what is taken was counted.
 */
import { AmqpRecordParts, readAmqpRecord } from "../message/amqp-record.ts";
import { envelope } from "../message/envelope.ts";
import type { LogReader } from "../storage/index.ts";
import type { Queue } from "./queue.ts";

const parts = new AmqpRecordParts();

export class ReadyBytes {
  total = 0;
  readonly #news: LogReader;
  readonly #returned: LogReader;

  constructor(queue: Queue) {
    this.#news = queue.reader();
    this.#returned = queue.reader();
  }

  /** Counts what came since the last call; at first, all that is there. */
  countNew(): void {
    while (this.#news.next()) this.total += sizeOf(this.#news);
  }

  taken(record: LogReader): void {
    this.total -= sizeOf(record);
  }

  returned(offset: number): void {
    this.#returned.seek(offset);
    if (this.#returned.next()) this.total += sizeOf(this.#returned);
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
