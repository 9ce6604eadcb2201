/**
 * Reads a serialized stream (stream-writer.ts has its form) into a draft, in slices. Two other forms are read too:
 *
 *     before redis 7.0   without first id, max deleted id and entries added, and without a group's entries read
 *     from redis 7.2     a consumer's time active follows its time seen
 *
 * Groups are read first: where an entry is pending that is deleted, its place is made between those of the others. Not here: the key.
 * Throws `BadData` for what redis would not have written. Invariant: entries get into the draft in the order of their ids.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { sortedInSlices } from "../../../base/sliced-sort.ts";
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { entriesUpTo, notKnown } from "../../../broker/groups/progress.ts";
import type { StreamDraft } from "../../../broker/stream/draft.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { writeEntryHeader, writeEntryPart } from "../../../message/redis/entry.ts";
import { RedisError } from "../core/errors.ts";
import { Piece, unitsOfBytes } from "../core/sliced-reply.ts";
import { ListpackReader } from "../wire/rdb/listpack.ts";
import type { RdbReader } from "../wire/rdb/reader.ts";
import { BadData, rdbType } from "../wire/rdb/types.ts";
import { hasMasterFields, isDeletedEntry } from "./stream-writer.ts";

const unitsOfEntry = 1.5;
const unitsOfPending = 1;
const idBytes = 16;
/** What a pending entry takes at least, and one that is held. */
const pendingBytes = idBytes + 8 + 1;
const word = 0xffff_ffffn;

interface Group {
  readonly name: string;
  readonly lastId: EntryId;
  /** Null where it was not counted yet. */
  readonly entriesRead: number | null;
  readonly pending: Map<string, Pending>;
  readonly consumers: Consumer[];
}

interface Pending {
  readonly id: EntryId;
  readonly time: number;
  readonly count: number;
  /** The number of the consumer; -1 for none yet. */
  consumer: number;
}

interface Consumer {
  readonly name: string;
  readonly seenAt: number;
  readonly activeAt: number;
}

/** What a form of serialized streams has. */
export interface StreamForm {
  readonly hasCounts: boolean;
  readonly hasActiveAt: boolean;
}

const streamForms: Readonly<Partial<Record<number, StreamForm>>> = {
  [rdbType.streamListpacks]: { hasCounts: false, hasActiveAt: false },
  [rdbType.streamListpacks2]: { hasCounts: true, hasActiveAt: false },
  [rdbType.streamListpacks3]: { hasCounts: true, hasActiveAt: true },
};

/** The form of streams of that type; undefined for other types. */
export function streamFormOf(type: number): StreamForm | undefined {
  return streamForms[type];
}

/** Where a node lies in the value. */
interface Node {
  readonly master: EntryId;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Meta {
  readonly lastId: EntryId;
  readonly maxDeletedId: EntryId;
  readonly entriesAdded: number;
}

function readId(reader: RdbReader): EntryId {
  const id = new EntryId();
  reader.length();
  id.msHigh = reader.high;
  id.msLow = reader.low;
  reader.length();
  id.sequenceHigh = reader.high;
  id.sequenceLow = reader.low;
  return id;
}

function readRawId(reader: RdbReader): EntryId {
  return new EntryId().read(reader.buffer, reader.skip(idBytes));
}

/** `id` becomes the master's with both differences added. */
function addTo(id: EntryId, master: EntryId, ms: number | bigint, sequence: number | bigint): void {
  const sum = (high: number, low: number, by: number | bigint): bigint =>
    BigInt.asUintN(64, ((BigInt(high) << 32n) | BigInt(low)) + BigInt(by));
  const wholeMs = sum(master.msHigh, master.msLow, ms);
  const wholeSequence = sum(master.sequenceHigh, master.sequenceLow, sequence);
  id.msHigh = Number(wholeMs >> 32n);
  id.msLow = Number(wholeMs & word);
  id.sequenceHigh = Number(wholeSequence >> 32n);
  id.sequenceLow = Number(wholeSequence & word);
}

/**
 * Reads all of a stream behind its type. Throws a RedisError where its entries come to more than `bytesMax`: they name the fields of
 * their node, so that a few bytes may stand for many.
 */
export function* readStream(
  reader: RdbReader,
  form: StreamForm,
  draft: StreamDraft,
  bytesMax: number = limits.redisReplyBytesMax,
): Job<void> {
  const piece = new Piece();
  const nodes: Node[] = [];
  for (let left = reader.count(2); left > 0; left--) {
    reader.string();
    if (reader.end - reader.start !== idBytes) throw new BadData("the id of a stream's node");
    const master = new EntryId().read(reader.bytes, reader.start);
    reader.string();
    nodes.push({ master, bytes: reader.bytes, start: reader.start, end: reader.end });
    const due = piece.add(1 + unitsOfBytes(reader.end - reader.start));
    if (due > 0) yield due;
  }
  const length = reader.length();
  const lastId = readId(reader);
  if (form.hasCounts) readId(reader);
  const maxDeletedId = form.hasCounts ? readId(reader) : new EntryId();
  const entriesAdded = form.hasCounts ? reader.length() : length;
  const groups: Group[] = [];
  for (let left = reader.count(4); left > 0; left--) groups.push(yield* readGroup(reader, form));
  const pending = yield* idsOf(groups);
  const filling = new Filling(draft, pending, bytesMax);
  for (const node of nodes) yield* filling.node(node);
  yield* filling.rest();
  if (filling.entries !== length) throw new BadData(`a stream of ${length} entries has ${filling.entries}`);
  setMeta(draft, { lastId, maxDeletedId, entriesAdded });
  yield* makeGroups(draft, filling, groups);
}

function setMeta({ log }: StreamDraft, meta: Meta): void {
  log.store.seal();
  if (log.length > 0) {
    const newest = log.entryIdOf(log.removed.previousPresent(log.stableEnd - 1));
    if (newest.compare(meta.lastId) > 0) throw new BadData("a stream's last id is below an entry's");
  }
  log.setMeta({ ...meta, entriesAdded: Math.max(meta.entriesAdded, log.length) });
}

function* readGroup(reader: RdbReader, { hasCounts, hasActiveAt }: StreamForm): Job<Group> {
  const piece = new Piece();
  const name = reader.text();
  const lastId = readId(reader);
  const group: Group = {
    name,
    lastId,
    entriesRead: hasCounts ? readCount(reader) : null,
    pending: new Map(),
    consumers: [],
  };
  for (let left = reader.count(pendingBytes); left > 0; left--) {
    const id = readRawId(reader);
    const time = reader.time();
    group.pending.set(id.toString(), { id, time, count: reader.length(), consumer: -1 });
    const due = piece.add(unitsOfPending);
    if (due > 0) yield due;
  }
  for (let left = reader.count(10); left > 0; left--) {
    const consumer = reader.text();
    const seenAt = reader.time();
    const activeAt = hasActiveAt ? reader.time() : seenAt;
    const number = group.consumers.push({ name: consumer, seenAt, activeAt }) - 1;
    for (let held = reader.count(idBytes); held > 0; held--) {
      const found = group.pending.get(readRawId(reader).toString());
      if (found === undefined) throw new BadData("a consumer holds what is not pending");
      found.consumer = number;
      const due = piece.add(unitsOfPending);
      if (due > 0) yield due;
    }
  }
  for (const { consumer } of group.pending.values())
    if (consumer < 0) throw new BadData("a pending entry is held by nobody");
  if (new Set(group.consumers.map((consumer) => consumer.name)).size < group.consumers.length)
    throw new BadData("two consumers of one name");
  return group;
}

function readCount(reader: RdbReader): number {
  const count = reader.length();
  return reader.high === 0xffff_ffff ? notKnown : count;
}

/** What is pending anywhere, in order; an id may be there several times. */
function* idsOf(groups: readonly Group[]): Job<EntryId[]> {
  const ids: EntryId[] = [];
  for (const { pending } of groups) for (const { id } of pending.values()) ids.push(id);
  return yield* sortedInSlices(ids, (a, b) => a.compare(b));
}

/** Appends entries, and the places of those that are deleted and pending, in the order of ids. */
class Filling {
  readonly #draft: StreamDraft;
  readonly #pending: readonly EntryId[];
  #pendingAt = 0;
  /** Of entries that are deleted and pending: their offsets. */
  readonly offsets = new Map<string, number>();
  readonly #last = new EntryId();
  readonly #id = new EntryId();
  readonly #entry = new ByteWriter(256);
  readonly #piece = new Piece();
  readonly #bytesMax: number;
  #bytes = 0;
  entries = 0;

  constructor(draft: StreamDraft, pending: readonly EntryId[], bytesMax: number) {
    this.#draft = draft;
    this.#bytesMax = bytesMax;
    this.#pending = pending;
  }

  *node({ master, bytes, start, end }: Node): Job<void> {
    const list = new ListpackReader(bytes, start, end);
    let left = list.count() + list.count();
    const fields: Buffer[] = [];
    for (let count = list.count(); count > 0; count--) {
      list.text();
      fields.push(list.bytes.subarray(list.start, list.end));
    }
    if (list.count() !== 0) throw new BadData("the head of a stream's node");
    for (; left > 0; left--) {
      const flags = list.count();
      addTo(this.#id, master, list.whole(), list.whole());
      this.#readEntry(list, flags, fields);
      if ((flags & isDeletedEntry) !== 0) continue;
      yield* this.#deletedBelow(this.#id);
      this.#append();
      const due = this.#piece.add(unitsOfEntry + unitsOfBytes(this.#entry.length));
      if (due > 0) yield this.#draft.paced(due);
    }
    if (list.next()) throw new BadData("a stream's node has more entries than it says");
  }

  #readEntry(list: ListpackReader, flags: number, master: readonly Buffer[]): void {
    const entry = this.#entry;
    entry.reset();
    const isSame = (flags & hasMasterFields) !== 0;
    const count = isSame ? master.length : list.count();
    if (count === 0) throw new BadData("an entry without fields");
    writeEntryHeader(entry, count);
    for (let i = 0; i < count; i++) {
      if (isSame) writeEntryPart(entry, master[i]!);
      else {
        list.text();
        writeEntryPart(entry, list.bytes, list.start, list.end);
      }
      list.text();
      writeEntryPart(entry, list.bytes, list.start, list.end);
    }
    list.count();
  }

  #append(): void {
    const id = this.#id;
    if (id.compare(this.#last) <= 0) throw new BadData("entries are not in the order of their ids");
    this.#last.copyFrom(id);
    this.#bytes += this.#entry.length;
    if (this.#bytes > this.#bytesMax) {
      const mebibytes = this.#bytesMax / 2 ** 20;
      throw new RedisError(`ERR the entries of the serialized stream come to more than ${mebibytes} MiB`);
    }
    this.#draft.append(envelope.redis, this.#entry.buffer, 0, this.#entry.length, id);
    this.entries++;
  }

  /** Makes the places of what is pending below an id and is no entry; what is pending at that id is that entry. */
  *#deletedBelow(id: EntryId | null): Job<void> {
    const pending = this.#pending;
    for (; this.#pendingAt < pending.length; this.#pendingAt++) {
      const next = pending[this.#pendingAt]!;
      if (id !== null && next.compare(id) >= 0) return;
      // The entry that was appended last, or the same id in another group.
      if (next.compare(this.#last) <= 0) continue;
      this.#last.copyFrom(next);
      this.offsets.set(next.toString(), this.#draft.appendDeleted(next));
      const due = this.#piece.add(unitsOfEntry);
      if (due > 0) yield due;
    }
  }

  *rest(): Job<void> {
    yield* this.#deletedBelow(null);
  }
}

function* makeGroups(draft: StreamDraft, filling: Filling, groups: readonly Group[]): Job<void> {
  const piece = new Piece();
  for (const { name, lastId, entriesRead, pending, consumers } of groups) {
    if (draft.groups.has(name)) throw new BadData("two groups of one name");
    const read = entriesRead ?? entriesUpTo(draft.log, lastId);
    const cursor: GroupCursor = draft.addGroup(name, lastId, read);
    const owners = consumers.map((consumer) => {
      const owner = cursor.addOwner(consumer.name, consumer.seenAt);
      owner.activeAt = consumer.activeAt;
      return owner.id;
    });
    for (const [text, { id, time, count, consumer }] of pending) {
      const offset = filling.offsets.get(text) ?? draft.offsetOf(id);
      if (offset < 0) throw new BadData("a pending entry");
      cursor.assign(offset, owners[consumer]!, count, time, id);
      const due = piece.add(unitsOfPending);
      if (due > 0) yield due;
    }
  }
}
