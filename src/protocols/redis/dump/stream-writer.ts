/**
 * A stream as redis 7.0 serializes it (STREAM_LISTPACKS_2), in slices.
 *
 *     stream   = length nodes, { string master id, string listpack },
 *                length of the stream, last id, first id, max deleted id, entries added,
 *                length groups, { string name, last id, entries read, pending, length consumers, { string name, time seen, held } }
 *     id       = length ms, length sequence            master id, pending id = 16 bytes, big-endian
 *     pending  = length n, { id, time given, length times given }        held = length n, { id }
 *     listpack = count, deleted, fields of the master, 0, { entry }
 *     entry    = flags, ms and sequence less the master's, [fields and values | values], elements of the entry
 *
 * What is deleted meanwhile is left out, of the entries and of what is pending. Not here: reading it (stream-reader.ts). Invariant:
 * what a consumer holds is pending in the group, and the reverse: redis refuses anything else.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import { noOwner } from "../../../broker/cursor/pending-table.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { entriesAdded } from "../../../broker/groups/progress.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { RedisView } from "../../../message/convert/as-redis.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { EntryReader } from "../../../message/redis/entry.ts";
import { LogReader } from "../../../storage/logs.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { workBytes } from "../stream/stream.ts";
import { ListpackWriter } from "../wire/rdb/listpack.ts";
import { hasMasterFields } from "../wire/rdb/stream-node.ts";
import { rdbType } from "../wire/rdb/types.ts";
import { writeLength, writeLongLength, writeString, writeTime } from "../wire/rdb/writer.ts";
import type { Payload } from "./payload.ts";

/** Redis's `stream-node-max-entries` and `-bytes`. A node's counts are written last, as one byte each. */
const nodeEntriesMax = 100;
const nodeBytesMax = 4096;
const unitsOfEntry = 1;
const unitsOfPending = 0.5;

function writeId(out: ByteWriter, id: EntryId): void {
  writeLongLength(out, id.msHigh, id.msLow);
  writeLongLength(out, id.sequenceHigh, id.sequenceLow);
}

function big(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** `a - b` as a signed 64-bit number; a plain number where it is small. */
function difference(highA: number, lowA: number, highB: number, lowB: number): number | bigint {
  if (highA === highB) return lowA - lowB;
  const value = BigInt.asIntN(64, big(highA, lowA) - big(highB, lowB));
  return value >= -0x7fff_ffffn && value <= 0x7fff_ffffn ? Number(value) : value;
}

/** Gathers entries in nodes. */
class Nodes {
  readonly #payload: Payload;
  readonly #node = new ByteWriter(nodeBytesMax * 2);
  readonly #list = new ListpackWriter();
  readonly #master = new EntryId();
  readonly #masterBytes = Buffer.alloc(16);
  /** Fields of the master, and of the entry at hand, as elements. */
  readonly #masterFields = new ByteWriter(256);
  readonly #fields = new ByteWriter(256);
  readonly #fieldList = new ListpackWriter();
  readonly #entry = new EntryReader();
  #inNode = 0;
  nodes = 0;
  entries = 0;

  constructor(payload: Payload) {
    this.#payload = payload;
  }

  add(id: EntryId, bytes: Uint8Array, start: number, end: number): void {
    const entry = this.#entry;
    const count = entry.open(bytes, start, end);
    this.#fields.reset();
    this.#fieldList.begin(this.#fields);
    const from = this.#fields.length;
    while (entry.next()) this.#fieldList.text(bytes, entry.nameStart, entry.nameEnd);
    if (this.#inNode === nodeEntriesMax || this.#node.length >= nodeBytesMax) this.end();
    if (this.#inNode === 0) this.#begin(id, count, from);
    const isSame = this.#fields.view().subarray(from).equals(this.#masterFields.view());
    this.#write(id, count, isSame, bytes, start, end);
    this.#inNode++;
    this.entries++;
  }

  #begin(id: EntryId, count: number, from: number): void {
    this.#master.copyFrom(id);
    this.#masterFields.reset();
    this.#masterFields.bytes(this.#fields.buffer, from, this.#fields.length);
    this.#node.reset();
    const list = this.#list;
    list.begin(this.#node);
    list.integer(0);
    list.integer(0);
    list.integer(count);
    list.elements(this.#masterFields.buffer, 0, this.#masterFields.length, count);
    list.integer(0);
  }

  #write(id: EntryId, count: number, isSame: boolean, bytes: Uint8Array, start: number, end: number): void {
    const list = this.#list;
    const master = this.#master;
    list.integer(isSame ? hasMasterFields : 0);
    list.integer(difference(id.msHigh, id.msLow, master.msHigh, master.msLow));
    list.integer(difference(id.sequenceHigh, id.sequenceLow, master.sequenceHigh, master.sequenceLow));
    if (!isSame) list.integer(count);
    const entry = this.#entry;
    entry.open(bytes, start, end);
    while (entry.next()) {
      if (!isSame) list.text(bytes, entry.nameStart, entry.nameEnd);
      list.text(bytes, entry.valueStart, entry.valueEnd);
    }
    list.integer(isSame ? count + 3 : 2 * count + 4);
  }

  /** Writes the node that is open. */
  end(): void {
    if (this.#inNode === 0) return;
    this.#list.end();
    // The count, behind the listpack's header: an element of one byte, whatever it is.
    this.#node.buffer[6] = this.#inNode;
    this.#master.write(this.#masterBytes, 0);
    const { out } = this.#payload;
    writeString(out, this.#masterBytes);
    writeString(out, this.#node.buffer, 0, this.#node.length);
    this.nodes++;
    this.#inNode = 0;
  }
}

export function* writeStream(payload: Payload, queue: Queue): Job<void> {
  if (!queue.catchUp()) queue.log.store.seal();
  const { log } = queue;
  const end = log.stableEnd;
  const added = entriesAdded(log);
  const lastId = log.readStableId(new EntryId());
  payload.out.uint8(rdbType.streamListpacks2);
  const place = payload.open();
  const nodes = new Nodes(payload);
  const view = new RedisView();
  const reader = new LogReader(log);
  const firstId = new EntryId();
  const piece = new Piece();
  while (reader.position < end && reader.next() && reader.offset < end) {
    const before = workBytes(payload.bytes);
    const { buffer, start, end: to } = view.entry(reader);
    if (nodes.entries === 0) firstId.copyFrom(reader.id);
    nodes.add(reader.id, buffer, start, to);
    const due = piece.add(
      unitsOfEntry + unitsOfBytes(Math.max(workBytes(payload.bytes) - before, to - start)),
    );
    payload.settle();
    if (due > 0) yield due;
  }
  nodes.end();
  payload.fill(place, (out) => writeLength(out, nodes.nodes));
  const { out } = payload;
  writeLength(out, nodes.entries);
  writeId(out, lastId);
  writeId(out, firstId);
  writeId(out, log.maxDeletedId);
  writeLength(out, added);
  const groups = [...queue.groups];
  writeLength(out, groups.length);
  for (const [name, cursor] of groups) yield* writeGroup(payload, name, cursor);
}

/** What one consumer holds. */
interface Held {
  readonly name: string;
  readonly seenAt: number;
  readonly ids: ByteWriter;
  count: number;
}

function* writeGroup(payload: Payload, name: string, cursor: GroupCursor): Job<void> {
  const held = new Map<number, Held>();
  for (const { id, name: consumer, seenAt } of cursor.owners.values())
    held.set(id, { name: consumer, seenAt, ids: new ByteWriter(64), count: 0 });
  writeString(payload.out, Buffer.from(name, "latin1"));
  writeId(payload.out, cursor.lastId);
  // -1 is not known.
  if (cursor.entriesRead < 0) writeLongLength(payload.out, 0xffff_ffff, 0xffff_ffff);
  else writeLength(payload.out, cursor.entriesRead);
  const place = payload.open();
  const count = yield* writePending(payload, cursor, held);
  payload.fill(place, (out) => writeLength(out, count));
  writeLength(payload.out, held.size);
  const piece = new Piece();
  for (const { name: consumer, seenAt, ids, count: holds } of held.values()) {
    const { out } = payload;
    writeString(out, Buffer.from(consumer, "latin1"));
    writeTime(out, seenAt);
    writeLength(out, holds);
    out.bytes(ids.buffer, 0, ids.length);
    const due = piece.add(1 + unitsOfBytes(ids.length));
    payload.settle();
    if (due > 0) yield due;
  }
}

/** Writes what is pending, and gathers who holds it; returns how many entries that were. */
function* writePending(
  payload: Payload,
  { pending }: GroupCursor,
  held: ReadonlyMap<number, Held>,
): Job<number> {
  const piece = new Piece();
  const id = new EntryId();
  let count = 0;
  for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
    const owner = pending.ownerOf(offset);
    // A consumer may have come meanwhile.
    const holder = owner === noOwner ? undefined : held.get(owner);
    if (holder !== undefined) {
      pending.readId(offset, id);
      const { out } = payload;
      id.encode(out);
      writeTime(out, pending.timeOf(offset));
      writeLength(out, pending.countOf(offset));
      id.encode(holder.ids);
      holder.count++;
      count++;
    }
    const due = piece.add(unitsOfPending);
    payload.settle();
    if (due > 0) yield due;
  }
  return count;
}
