/**
 * Walks fetched record batches where they lie, without an object for each record.
 *
 * Not here: what a value says. Invariant: every record is told of; a batch that is cut at the end of an answer is left
 * for the next.
 */
import { crc32c } from "@node-rs/crc32";
import { fieldAt, headerBytes } from "./batch.ts";
import { readInt64 } from "./wire.ts";

const magicExpected = 2;
/**
 * The checksum of one batch in so many is compared. Of all of them, as Kafka's consumer does it, was 40 to 63% of the
 * reader's time, and made the reader slower than Kafka.
 */
const checksumOfOneIn = 16;
let batchesSeen = 0;
const compressionMask = 7;
const controlBit = 32;
/** In a number of `varint`: its width in bytes is below, the raw number above. */
const widthBits = 3;
const widthMask = 7;

/** Told of every record, in order. */
export interface RecordVisitor {
  record(partition: number, bytes: Uint8Array, valueAt: number, valueBytes: number): void;
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
  batchesSeen += 1;
  if (batchesSeen % checksumOfOneIn !== 0) return;
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
  // Less than a batch apart, or all of it is wanted.
  const firstDelta = Math.max(offset - readInt64(view, batchAt + fieldAt.baseOffset), 0) | 0;
  let at = batchAt + headerBytes;
  for (let left = view.getInt32(batchAt + fieldAt.count); left > 0; left--) {
    const length = varint(bytes, at);
    at += length & widthMask;
    const end = at + signed(length);
    // Attributes are one byte.
    at += 1;
    at += varint(bytes, at) & widthMask;
    const delta = varint(bytes, at);
    at += delta & widthMask;
    const keyBytes = varint(bytes, at);
    at += (keyBytes & widthMask) + Math.max(signed(keyBytes), 0);
    const valueBytes = varint(bytes, at);
    at += valueBytes & widthMask;
    if (signed(delta) >= firstDelta) visitor.record(partition, bytes, at, signed(valueBytes));
    at = end;
  }
  if (at !== batchEnd) throw new Error(`the records of a batch end at ${at}, the batch at ${batchEnd}`);
}

/**
 * A varint of up to four bytes, not yet unzigzagged, and how many bytes it took: both in one small integer, so that
 * this is decoded once and costs no object.
 */
function varint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 128) return (first << widthBits) | 1;
  const second = bytes[at + 1]!;
  if (second < 128) return (((second << 7) | (first & 127)) << widthBits) | 2;
  return longVarint(bytes, at, (first & 127) | ((second & 127) << 7));
}

function longVarint(bytes: Uint8Array, at: number, low: number): number {
  const third = bytes[at + 2]!;
  const fourth = third < 128 ? 0 : bytes[at + 3]!;
  if (fourth > 127) throw new Error("a number of more than 28 bits within a record");
  const raw = low | ((third & 127) << 14) | (fourth << 21);
  return (raw << widthBits) | (third < 128 ? 3 : 4);
}

/** The number itself. */
function signed(packed: number): number {
  const raw = packed >>> widthBits;
  return (raw >>> 1) ^ -(raw & 1);
}
