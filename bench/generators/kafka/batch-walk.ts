/**
 * Walks fetched record batches where they lie, without an object for each record.
 *
 * Not here: what a value says. Invariant: every batch's checksum is compared, as Kafka's own consumer does, and a
 * batch that is cut at the end of an answer is left for the next.
 */
import { crc32c } from "@node-rs/crc32";
import { fieldAt, headerBytes } from "./batch.ts";
import { readInt64 } from "./wire.ts";

const magicExpected = 2;
const compressionMask = 7;
const controlBit = 32;

/** Told of every record, in order. */
export interface RecordVisitor {
  record(partition: number, view: DataView, valueAt: number, valueBytes: number): void;
}

/** The offset after the last whole batch, or `offset` where there is none. */
export function offsetAfter(view: DataView, at: number, end: number, offset: number): number {
  let next = offset;
  for (let batchEnd = endOfBatch(view, at, end); batchEnd > 0; batchEnd = endOfBatch(view, at, end)) {
    next = readInt64(view, at + fieldAt.baseOffset) + view.getInt32(at + fieldAt.lastOffsetDelta) + 1;
    at = batchEnd;
  }
  return next;
}

/** Tells the visitor of all records from an offset on: an answer begins with the batch that holds the first. */
export function walkBatches(
  view: DataView,
  at: number,
  end: number,
  from: { readonly partition: number; readonly offset: number },
  visitor: RecordVisitor,
): void {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (let batchEnd = endOfBatch(view, at, end); batchEnd > 0; batchEnd = endOfBatch(view, at, end)) {
    checkBatch(bytes, view, at, batchEnd);
    walkRecords(bytes, view, at, batchEnd, from, visitor);
    at = batchEnd;
  }
}

/** 0 where no whole batch follows. */
function endOfBatch(view: DataView, at: number, end: number): number {
  if (end - at < headerBytes) return 0;
  const batchEnd = at + fieldAt.length + 4 + view.getInt32(at + fieldAt.length);
  return batchEnd <= end ? batchEnd : 0;
}

function checkBatch(bytes: Uint8Array, view: DataView, at: number, end: number): void {
  const magic = view.getInt8(at + fieldAt.magic);
  const attributes = view.getInt16(at + fieldAt.attributes);
  if (magic !== magicExpected || (attributes & (compressionMask | controlBit)) !== 0)
    throw new Error(`a batch with magic ${magic} and attributes ${attributes} cannot be walked`);
  const checksum = crc32c(bytes.subarray(at + fieldAt.attributes, end));
  if (checksum !== view.getUint32(at + fieldAt.crc))
    throw new Error(`the batch at offset ${readInt64(view, at)} does not have its checksum`);
}

function walkRecords(
  bytes: Uint8Array,
  view: DataView,
  batchAt: number,
  batchEnd: number,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  visitor: RecordVisitor,
): void {
  const firstDelta = offset - readInt64(view, batchAt + fieldAt.baseOffset);
  let at = batchAt + headerBytes;
  for (let left = view.getInt32(batchAt + fieldAt.count); left > 0; left--) {
    const length = varint(bytes, at);
    at = afterVarint(bytes, at);
    const end = at + length;
    // Attributes are one byte.
    at = afterVarint(bytes, at + 1);
    const delta = varint(bytes, at);
    at = afterVarint(bytes, at);
    const keyBytes = varint(bytes, at);
    at = afterVarint(bytes, at) + (keyBytes > 0 ? keyBytes : 0);
    const valueBytes = varint(bytes, at);
    at = afterVarint(bytes, at);
    if (delta >= firstDelta) visitor.record(partition, view, at, valueBytes);
    at = end;
  }
  if (at !== batchEnd) throw new Error(`the records of a batch end at ${at}, the batch at ${batchEnd}`);
}

/** The signed number at this place. */
function varint(bytes: Uint8Array, at: number): number {
  let byte = bytes[at]!;
  let raw = byte & 127;
  for (let shift = 7; byte > 127 && shift < 35; shift += 7) {
    at += 1;
    byte = bytes[at]!;
    raw |= (byte & 127) << shift;
  }
  return (raw >>> 1) ^ -(raw & 1);
}

function afterVarint(bytes: Uint8Array, at: number): number {
  while (bytes[at]! > 127) at += 1;
  return at + 1;
}
