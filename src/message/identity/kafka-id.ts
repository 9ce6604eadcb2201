/**
 * What a record of a Kafka batch is known by: its key, or the value of a header. The message id is header `message-id`, or
 * `amqp.message-id` as a message from AMQP has it. Of several headers of a name the first counts; null is none.
 */
import type { RecordCursor } from "../kafka/batch-records.ts";
import { type DedupBy, foundId, type FoundId, isSameBytes } from "./dedup-by.ts";

export const messageIdNames: readonly Buffer[] = [Buffer.from("message-id"), Buffer.from("amqp.message-id")];

/** Of the record at which the cursor stands, whose headers it walks over. Null where the record has no such id. */
export function kafkaIdOf(by: DedupBy, cursor: RecordCursor): FoundId | null {
  if (by.kind === "key") return foundId(cursor.buffer, cursor.keyStart, cursor.keyEnd);
  while (cursor.nextHeader()) {
    const { buffer, headerKeyStart, headerKeyEnd } = cursor;
    const isAsked =
      by.kind === "header"
        ? isSameBytes(buffer, headerKeyStart, headerKeyEnd, by.name)
        : messageIdNames.some((name) => isSameBytes(buffer, headerKeyStart, headerKeyEnd, name));
    if (isAsked) return foundId(buffer, cursor.headerValueStart, cursor.headerValueEnd);
  }
  return null;
}
