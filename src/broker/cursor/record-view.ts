/** Looks into a stored record in place, for what the broker itself must know (expiry, priority). */
import { BrokerError } from "../../base/errors.ts";
import { PropertyOffsets } from "../../message/amqp/property-offsets.ts";
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { PartsReader } from "../../message/convert/read.ts";
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

const others = new PartsReader();

/**
 * The record's property `priority`, whatever protocol wrote it; 0 without, and where it cannot be read as a message: who delivers it
 * says so.
 */
export function priorityOf(record: LogReader): number {
  try {
    const properties = amqpPropertiesOf(record);
    if (properties !== null) return Math.max(properties.priority, 0);
    const { priority } = others.read(record);
    others.release();
    return Math.max(priority, 0);
  } catch (error) {
    if (error instanceof BrokerError) return 0;
    throw error;
  }
}
