/** Looks into a stored record in place, for what the broker itself must know (expiry, priority). */
import { PropertyOffsets } from "../../message/amqp/property-offsets.ts";
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { envelope } from "../../message/envelope.ts";
import type { LogReader } from "../../storage/index.ts";

const parts = new AmqpRecordParts();
const offsets = new PropertyOffsets();

/** Where the AMQP properties of a record are; null when another protocol wrote it. Valid until the next call. */
export function amqpPropertiesOf(record: LogReader): PropertyOffsets | null {
  if (record.envelope !== envelope.amqp) return null;
  readAmqpRecord(record.buffer, record.start, record.end, parts);
  offsets.walk(record.buffer, parts.headerStart + 8, parts.headerEnd);
  return offsets;
}
