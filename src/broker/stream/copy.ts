/**
 * Copies a stream, with its groups and what they have pending, in slices (Redis's COPY).
 *
 * What is there when the copy begins, and fits in a slice, is copied as it is at that moment. Of a larger one each entry and each group
 * is as it is when its slice comes: what is deleted before that is missing, what is trimmed later is trimmed in the copy too, what comes
 * after the last group was copied is left out. A group of the copy never stands behind an entry that the copy has not.
 * Not here: the name that the copy gets. Invariant: all below `#copiedTo` is copied, deleted entries that are
 * pending too.
 */
import { sortedInSlices } from "../../base/sliced-sort.ts";
import type { Job } from "../../base/turn-work.ts";
import { RedisView } from "../../message/convert/as-redis.ts";
import { kafkaFrames } from "../../message/convert/kafka-frame.ts";
import { EntryId } from "../../message/entry-id.ts";
import { envelope } from "../../message/envelope.ts";
import { LogReader } from "../../storage/index.ts";
import { noOwner } from "../cursor/pending-table.ts";
import type { GroupCursor } from "../groups/group-cursor.ts";
import { entriesAdded } from "../groups/progress.ts";
import type { Queue } from "../queue/queue.ts";
import type { StreamDraft } from "./draft.ts";

const unitsOfEntry = 1;
const unitsOfPending = 1;
const unitsOfOwner = 1;
const unitsOfGroup = 5;
const bytesOfUnit = 1024;
/** Small steps are taken together. */
const unitsOfPiece = 64;

/** An entry that is deleted and pending. */
interface Deleted {
  readonly offset: number;
  readonly id: EntryId;
}

class StreamCopy {
  readonly #source: Queue;
  readonly #draft: StreamDraft;
  readonly #reader: LogReader;
  readonly #view = new RedisView();
  #deleted: readonly Deleted[] = [];
  #deletedAt = 0;
  #copiedTo = 0;
  /** From offsets of deleted entries in the source to those in the copy. */
  readonly #offsets = new Map<number, number>();
  readonly #id = new EntryId();
  #units = 0;

  constructor(source: Queue, draft: StreamDraft) {
    this.#source = source;
    this.#draft = draft;
    this.#reader = new LogReader(source.log);
  }

  /** False where the source is deleted meanwhile. */
  *run(): Job<boolean> {
    const { log } = this.#source;
    if (!this.#source.catchUp()) log.store.seal();
    yield* this.#findDeleted();
    yield* this.#copyTo(log.stableEnd);
    for (const [name, cursor] of this.#source.groups) {
      // One that was deleted and made again meanwhile.
      if (this.#draft.groups.has(name)) continue;
      yield* this.#group(name, cursor);
      if (this.#source.isDeleted) return false;
    }
    log.store.seal();
    const end = log.stableEnd;
    const added = entriesAdded(log);
    const lastId = log.readStableId(new EntryId());
    yield* this.#copyTo(end);
    if (this.#source.isDeleted) return false;
    this.#finish(lastId, added);
    return true;
  }

  #finish(lastId: EntryId, added: number): void {
    const { log: source } = this.#source;
    const { log } = this.#draft;
    log.store.seal();
    const first = new LogReader(source, source.firstOffset);
    log.removeBelow(first.next() ? log.offsetOfEntryId(first.id) : log.stableEnd);
    log.setMeta({ lastId, maxDeletedId: source.maxDeletedId, entriesAdded: added });
  }

  /** Adds up small steps; what to yield now, or 0. */
  #due(units: number): number {
    this.#units += units;
    if (this.#units < unitsOfPiece) return 0;
    const due = this.#units;
    this.#units = 0;
    return this.#draft.paced(due);
  }

  *#findDeleted(): Job<void> {
    const { groups, log } = this.#source;
    const found = new Map<number, Deleted>();
    for (const { pending } of groups.values()) {
      for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
        if (log.removed.has(offset) && !found.has(offset))
          found.set(offset, { offset, id: pending.readId(offset, new EntryId()) });
        const due = this.#due(0.1);
        if (due > 0) yield due;
      }
    }
    this.#deleted = yield* sortedInSlices([...found.values()], (a, b) => a.offset - b.offset);
  }

  /** Copies what lies below an offset of the source and is not copied yet. */
  *#copyTo(end: number): Job<void> {
    if (end <= this.#copiedTo) return;
    yield* this.#entries(end);
    yield* this.#deletedBelow(end);
    this.#copiedTo = end;
  }

  *#entries(end: number): Job<void> {
    const reader = this.#reader;
    while (!this.#source.isDeleted && reader.position < end && reader.next()) {
      const { offset } = reader;
      const deleted = this.#deleted[this.#deletedAt];
      if (offset >= end || (deleted !== undefined && deleted.offset < offset)) {
        reader.seek(offset);
        if (offset >= end) return;
        // They may take turns, in which the entry goes.
        yield* this.#deletedBelow(offset);
        continue;
      }
      const due = this.#due(unitsOfEntry + this.#entry() / bytesOfUnit);
      if (due > 0) yield due;
    }
  }

  /** Copies the entry that the reader has stopped at; returns the bytes that were looked at. */
  #entry(): number {
    const reader = this.#reader;
    const before = kafkaFrames.inflatedBytes;
    const isBatch = reader.envelope === envelope.kafka;
    const { buffer, start, end } = isBatch ? this.#view.entry(reader) : reader;
    this.#draft.append(isBatch ? envelope.redis : reader.envelope, buffer, start, end, reader.id);
    return end - start + kafkaFrames.inflatedBytes - before;
  }

  *#deletedBelow(offset: number): Job<void> {
    const deleted = this.#deleted;
    while (this.#deletedAt < deleted.length && deleted[this.#deletedAt]!.offset < offset) {
      const { offset: from, id } = deleted[this.#deletedAt++]!;
      this.#offsets.set(from, this.#draft.appendDeleted(id));
      const due = this.#due(unitsOfEntry);
      if (due > 0) yield due;
    }
  }

  *#group(name: string, cursor: GroupCursor): Job<void> {
    yield unitsOfGroup;
    const { log } = this.#source;
    log.store.seal();
    // Its position, before what it has pending: nothing that is given meanwhile is passed over.
    const lastId = new EntryId().copyFrom(cursor.lastId);
    const { entriesRead, next } = cursor;
    yield* this.#copyTo(Math.min(next, log.stableEnd));
    const copy = this.#draft.addGroup(name, lastId, entriesRead, cursor.retryPolicy);
    const owners = new Map<number, number>();
    for (const { id, name: consumer, seenAt, activeAt } of cursor.owners.values()) {
      const made = copy.addOwner(consumer, seenAt);
      made.activeAt = activeAt;
      owners.set(id, made.id);
      const due = this.#due(unitsOfOwner);
      if (due > 0) yield due;
    }
    yield* this.#pending(cursor, copy, owners);
  }

  *#pending(cursor: GroupCursor, copy: GroupCursor, owners: ReadonlyMap<number, number>): Job<void> {
    const { pending } = cursor;
    for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
      if (offset >= this.#copiedTo) yield* this.#copyTo(offset + 1);
      if (this.#source.isDeleted) return;
      const holder = pending.ownerOf(offset);
      if (holder !== noOwner) {
        const id = pending.readId(offset, this.#id);
        const at = this.#offsets.get(offset) ?? this.#draft.offsetOf(id);
        const owner = owners.get(holder);
        if (at >= 0 && owner !== undefined) {
          copy.assign(at, owner, pending.countOf(offset), pending.timeOf(offset), id);
          const note = cursor.notes?.of(offset) ?? null;
          if (note !== null) copy.noteGivenUp(at, note);
        }
      }
      const due = this.#due(unitsOfPending);
      if (due > 0) yield due;
    }
  }
}

/** Fills the draft with what the stream has; false where that is deleted meanwhile. Throws UNAVAILABLE when the disk is full. */
export function copyStream(source: Queue, draft: StreamDraft): Job<boolean> {
  return new StreamCopy(source, draft).run();
}
