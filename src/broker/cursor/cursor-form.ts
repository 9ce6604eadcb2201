/**
 * What the durable forms of both kinds of cursors share:
 *
 *     position = u64 next, u64 x2 last entry id, i64 entries read        the last two zero in a queue's cursor
 *     noted    = u64 offset, i32 owner, u32 count, i64 time              and the entry id in a group's
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import { type PendingTable, requeuedOwner } from "./pending-table.ts";

/** What a queue has in the place of a group's id. */
const noId = new EntryId();
const skipped = new EntryId();

export function encodeNoted(writer: ByteWriter, pending: PendingTable, offset: number): void {
  writer.int64(offset).int32(pending.ownerOf(offset)).uint32(pending.countOf(offset));
  writer.int64(pending.timeOf(offset));
}

/** `noted` of a record that nobody holds. */
export function encodeReturned(writer: ByteWriter, offset: number, count: number): void {
  writer.int64(offset).int32(requeuedOwner).uint32(count).int64(0);
}

export function encodeQueuePosition(writer: ByteWriter, next: number): void {
  noId.encode(writer.int64(next));
  writer.int64(0);
}

export function decodeQueuePosition(reader: ByteReader): number {
  const next = reader.int64();
  skipped.decode(reader);
  reader.int64();
  return next;
}
