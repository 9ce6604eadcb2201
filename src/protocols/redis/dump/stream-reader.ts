/**
 * Reads a serialized stream (stream-writer.ts has its form) into a draft, in slices. Two other forms are read too:
 *
 *     before redis 7.0   without first id, max deleted id and entries added, and without a group's entries read
 *     from redis 7.2     a consumer's time active follows its time seen
 *
 * Groups are read first: where an entry is pending that is deleted, its place is made between those of the others. Not here: the key.
 * Throws `BadData` for what redis would not have written. Invariant: entries get into the draft in the order of their ids.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { sortedInSlices } from "../../../base/sliced-sort.ts";
import { limits } from "../../../base/limits.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { entriesUpTo } from "../../../broker/groups/progress.ts";
import type { StreamDraft } from "../../../broker/stream/draft.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { RedisError } from "../core/errors.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import type { RdbReader } from "../wire/rdb/reader.ts";
import type { StreamForm } from "../wire/rdb/stream-form.ts";
import { StreamNodeReader } from "../wire/rdb/stream-node.ts";
import {
  readMasterId,
  readStreamGroups,
  readStreamMeta,
  type StreamGroup,
  type StreamMeta,
} from "../wire/rdb/stream-parts.ts";
import { BadData } from "../wire/rdb/types.ts";

const unitsOfEntry = 1.5;
const unitsOfPending = 1;

/** Where a node lies in the value. */
interface Node {
  readonly master: EntryId;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
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
    const master = readMasterId(reader);
    reader.string();
    nodes.push({ master, bytes: reader.bytes, start: reader.start, end: reader.end });
    const due = piece.add(1 + unitsOfBytes(reader.end - reader.start));
    if (due > 0) yield due;
  }
  const meta = readStreamMeta(reader, form);
  const groups = yield* readStreamGroups(reader, form);
  const pending = yield* idsOf(groups);
  const filling = new Filling(draft, pending, bytesMax);
  for (const node of nodes) yield* filling.node(node);
  yield* filling.rest();
  if (filling.entries !== meta.length)
    throw new BadData(`a stream of ${meta.length} entries has ${filling.entries}`);
  setMeta(draft, meta);
  yield* makeGroups(draft, filling, groups);
}

function setMeta({ log }: StreamDraft, meta: StreamMeta): void {
  log.store.seal();
  if (log.length > 0) {
    const newest = log.entryIdOf(log.removed.previousPresent(log.stableEnd - 1));
    if (newest.compare(meta.lastId) > 0) throw new BadData("a stream's last id is below an entry's");
  }
  const { lastId, maxDeletedId, entriesAdded } = meta;
  log.setMeta({ lastId, maxDeletedId, entriesAdded: Math.max(entriesAdded, log.length) });
}

/** What is pending anywhere, in order; an id may be there several times. */
function* idsOf(groups: readonly StreamGroup[]): Job<EntryId[]> {
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
    const node = new StreamNodeReader(master, bytes, start, end);
    while (node.next()) {
      if (!node.isDeleted) {
        yield* this.#deletedBelow(node.id);
        this.#append(node.id, node.entry);
      }
      const due = this.#piece.add(unitsOfEntry + unitsOfBytes(node.entry.length));
      if (due > 0) yield this.#draft.paced(due);
    }
  }

  #append(id: EntryId, entry: ByteWriter): void {
    if (id.compare(this.#last) <= 0) throw new BadData("entries are not in the order of their ids");
    this.#last.copyFrom(id);
    this.#bytes += entry.length;
    if (this.#bytes > this.#bytesMax) {
      const mebibytes = this.#bytesMax / 2 ** 20;
      throw new RedisError(`ERR the entries of the serialized stream come to more than ${mebibytes} MiB`);
    }
    this.#draft.append(envelope.redis, entry.buffer, 0, entry.length, id);
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

function* makeGroups(draft: StreamDraft, filling: Filling, groups: readonly StreamGroup[]): Job<void> {
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
