/** Reads one record of a stored Kafka batch into `MessageParts`. A header with null as value is a header of nothing. */
import { kafkaFrames } from "./kafka-frame.ts";
import { claimedPropertyOf, isReservedInKafka, unescapedStart } from "./names.ts";
import { type MessageParts, timestampMsMax } from "./parts.ts";
import { fieldTag } from "./values.ts";
import type { RecordCursor } from "../kafka/batch-records.ts";
import type { StoredRecord } from "../record.ts";

export class KafkaPartsReader {
  read(record: StoredRecord, into: MessageParts): void {
    const cursor = kafkaFrames.moveTo(record);
    into.clear(cursor.buffer);
    into.keyStart = cursor.keyStart;
    into.keyEnd = cursor.keyEnd;
    into.bodyStart = cursor.valueStart;
    into.bodyEnd = cursor.valueEnd;
    while (cursor.nextHeader()) header(cursor, into);
    const timestamp = cursor.timestamp;
    into.timestamp = timestamp >= 0 && timestamp <= timestampMsMax ? timestamp : record.timestamp;
  }
}

function header(cursor: RecordCursor, into: MessageParts): void {
  const { buffer, headerKeyStart, headerKeyEnd, headerValueStart, headerValueEnd } = cursor;
  const code = claimedPropertyOf(buffer, headerKeyStart, headerKeyEnd);
  const hasValue = headerValueStart >= 0;
  if (code >= 0 && hasValue && into.setPropertyFromText(code, headerValueStart, headerValueEnd)) return;
  const nameStart = unescapedStart(buffer, headerKeyStart, headerKeyEnd, isReservedInKafka);
  if (hasValue) into.addHeader(nameStart, headerKeyEnd, fieldTag.text, headerValueStart, headerValueEnd);
  else into.addHeader(nameStart, headerKeyEnd, fieldTag.nothing, 0, 0);
}
