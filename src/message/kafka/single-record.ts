/** A record of a batch as a batch of its own. */
import { ByteWriter } from "../../base/bytes.ts";
import { KafkaBatchBuilder } from "./batch-builder.ts";
import type { RecordCursor } from "./batch-records.ts";

/** Another value for the headers of one name; null: without any of them. */
export interface HeaderChange {
  readonly name: Buffer;
  readonly value: Buffer | null;
}

const builder = new KafkaBatchBuilder();

/** Writes the record at which the cursor stands into `writer`, which holds nothing else then. */
export function writeSingleRecord(
  writer: ByteWriter,
  cursor: RecordCursor,
  change: HeaderChange | null = null,
): void {
  const { buffer, timestamp } = cursor;
  writer.reset();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: timestamp, partitionLeaderEpoch: 0 });
  if (cursor.keyStart >= 0) builder.key(buffer, cursor.keyStart, cursor.keyEnd);
  if (cursor.valueStart >= 0) builder.value(buffer, cursor.valueStart, cursor.valueEnd);
  cursor.rewindHeaders();
  while (cursor.nextHeader()) {
    const { headerKeyStart: nameStart, headerKeyEnd: nameEnd, headerValueStart, headerValueEnd } = cursor;
    if (change !== null && change.name.compare(buffer, nameStart, nameEnd) === 0) {
      const { value } = change;
      if (value !== null) builder.headerOfBytes(buffer, nameStart, nameEnd, value, 0, value.length);
      continue;
    }
    const value = headerValueStart < 0 ? null : buffer;
    builder.headerOfBytes(buffer, nameStart, nameEnd, value, headerValueStart, headerValueEnd);
  }
  builder.record(0, timestamp).finish();
}

/** The same with these headers, which come last, in place of all others of their names. */
export function writeRecordWith(
  writer: ByteWriter,
  cursor: RecordCursor,
  headers: readonly HeaderChange[],
): void {
  const { buffer, timestamp } = cursor;
  writer.reset();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: timestamp, partitionLeaderEpoch: 0 });
  if (cursor.keyStart >= 0) builder.key(buffer, cursor.keyStart, cursor.keyEnd);
  if (cursor.valueStart >= 0) builder.value(buffer, cursor.valueStart, cursor.valueEnd);
  cursor.rewindHeaders();
  while (cursor.nextHeader()) {
    if (headers.some(({ name }) => isAtHeader(cursor, name))) continue;
    const { headerKeyStart: nameStart, headerKeyEnd: nameEnd, headerValueStart, headerValueEnd } = cursor;
    const value = headerValueStart < 0 ? null : buffer;
    builder.headerOfBytes(buffer, nameStart, nameEnd, value, headerValueStart, headerValueEnd);
  }
  for (const { name, value } of headers)
    if (value !== null) builder.headerOfBytes(name, 0, name.length, value, 0, value.length);
  builder.record(0, timestamp).finish();
}

/** The text of the last header of that name; null where there is none, or it has no value. */
export function headerText(cursor: RecordCursor, name: Buffer): string | null {
  let text: string | null = null;
  cursor.rewindHeaders();
  while (cursor.nextHeader()) {
    const { buffer, headerValueStart, headerValueEnd } = cursor;
    if (isAtHeader(cursor, name) && headerValueStart >= 0)
      text = buffer.utf8Slice(headerValueStart, headerValueEnd);
  }
  return text;
}

function isAtHeader({ buffer, headerKeyStart, headerKeyEnd }: RecordCursor, name: Buffer): boolean {
  return (
    headerKeyEnd - headerKeyStart === name.length && name.compare(buffer, headerKeyStart, headerKeyEnd) === 0
  );
}

/** Whether the record at which the cursor stands has a header of that name. */
export function hasHeader(cursor: RecordCursor, name: Buffer): boolean {
  if (cursor.headerCount === 0) return false;
  cursor.rewindHeaders();
  while (cursor.nextHeader()) {
    if (isAtHeader(cursor, name)) return true;
  }
  return false;
}
