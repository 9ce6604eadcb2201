/**
 * From the fields of a request to a record in logs: the bytes go from the socket's buffer straight into the journal's.
 *
 * The record is the array of its fields as a reply shows it (message/redis/entry.ts). Not here: which id it gets, who may
 * write. A request that is no canonical run of bulks (inline) goes by a scratch buffer.
 */
import { ByteWriter, copyBytes } from "../../../base/bytes.ts";
import type { Log } from "../../../storage/logs.ts";
import type { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { writeEntryFromArguments } from "../../../message/redis/entry.ts";
import { decimalSize, writeDecimal } from "../wire/reply-writer.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const scratch = new ByteWriter(1024);
const scratchBytesKept = 1 << 20;

/**
 * Appends arguments `first` to `last` (left out) as one entry, under an id or, where it is null, under the log's next
 * one. The store's `readReservedId` tells it.
 */
export function appendEntry(
  log: Log,
  request: RequestArguments,
  first: number,
  last: number,
  id: EntryId | null,
): void {
  if (!request.canonical) return appendScratch(log, request, first, last, id);
  const { buffer, starts, ends } = request;
  const count = last - first;
  const countSize = decimalSize(count);
  const from = starts[first]! - decimalSize(ends[first]! - starts[first]!) - 3;
  const to = ends[last - 1]! + 2;
  const size = countSize + 3 + to - from;
  let at = reserve(log, size, id);
  const tail = log.store.tail;
  tail[at] = 0x2a;
  writeDecimal(tail, at + 1, countSize, count);
  at += countSize + 1;
  tail[at] = 0x0d;
  tail[at + 1] = 0x0a;
  copyBytes(tail, at + 2, buffer, from, to);
}

function reserve(log: Log, size: number, id: EntryId | null): number {
  return id === null
    ? log.store.reserve(log.group, envelope.redis, size)
    : log.store.reserveWithId(log, envelope.redis, size, id);
}

function appendScratch(
  log: Log,
  request: RequestArguments,
  first: number,
  last: number,
  id: EntryId | null,
): void {
  const entry = entryOf(request, first, last);
  const at = reserve(log, entry.length, id);
  copyBytes(log.store.tail, at, entry.buffer, 0, entry.length);
}

/** The entry in a buffer that the next one reuses. */
export function entryOf(request: RequestArguments, first: number, last: number): ByteWriter {
  if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(1024);
  scratch.reset();
  writeEntryFromArguments(scratch, request, first, last);
  return scratch;
}
