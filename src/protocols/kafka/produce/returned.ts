/**
 * A batch that is produced to a retry topic (`<group>.retry`): the group gives its records up, and the broker has them wait (broker/retry/).
 *
 * Who gives a record up has read it: so the right to read the topic that the record names is asked for, since its dead letter will go where that
 * topic's do. Not here: waiting and dead letters (broker/retry/returned-records.ts). Invariant: a batch is taken whole or refused whole.
 */
import type { OutgoingMessage } from "../../../broker/exchange/outgoing-message.ts";
import type { Copies } from "../../../broker/intake/intake.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { originName, returnHeaders } from "../../../broker/retry/returned-records.ts";
import type { KafkaBatch } from "../../../message/kafka/batch.ts";
import { codecs } from "../../../message/kafka/compression.ts";
import { mayUseTopic } from "../core/authorize.ts";
import type { Call } from "../core/call.ts";
import type { BatchTaker } from "./partition.ts";
import { cursor, forEachRecord, withRecords } from "./records.ts";

/** False: no record of the batch says where it comes from, so that it is a batch like any other. Of a compressed one that is not known. */
export function mayHoldReturned({ buffer, start, end, codec }: KafkaBatch): boolean {
  return codec !== codecs.none || buffer.subarray(start, end).includes(returnHeaders.topic);
}

/** Whether the producer may read all topics that records of the batch name. */
export function mayGiveUp(call: Call, batch: KafkaBatch, decompressedBytesMax: number): boolean {
  return withRecords(batch, decompressedBytesMax, () => {
    let isAllowed = true;
    let last = "";
    forEachRecord(() => {
      const name = isAllowed ? (originName(cursor) ?? "") : "";
      if (name === "" || name === last) return;
      last = name;
      isAllowed = mayUseTopic(call, "read", name);
    });
    return isAllowed;
  });
}

/** What the partition's intake leaves goes there; the broker's own hand brings it back. */
export class Returning implements BatchTaker {
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** The record at which the cursor of `records.ts` is. */
  takes(message: OutgoingMessage): boolean {
    const { intake, vhost } = this.#queue;
    if (intake?.takes(message) === true) return true;
    if (!vhost.broker.returned!.takes(this.#queue, cursor)) return false;
    intake?.appended(-1);
    return true;
  }

  appended(offset: number): void {
    this.#queue.intake?.appended(offset);
  }

  get copies(): Copies | null {
    return this.#queue.intake?.copies ?? null;
  }
}
