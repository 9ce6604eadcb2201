/**
 * Reads what a serialized stream has besides its entries (dump/stream-writer.ts has its form): numbers, and groups with their consumers
 * and what is pending.
 *
 * Throws `BadData` for what redis would not have written. Invariant of a group: each pending entry is held by one of its consumers.
 */
import type { Job } from "../../../../base/turn-work.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { RdbReader } from "./reader.ts";
import type { StreamForm } from "./stream-form.ts";
import { idBytes } from "./stream-node.ts";
import { BadData } from "./types.ts";

/** What a pending entry takes at least; a consumer. */
const pendingBytes = idBytes + 8 + 1;
const consumerBytes = 10;
const groupBytes = 4;
const unitsOfPending = 1;
const unitsOfPiece = 64;

export interface StreamMeta {
  readonly length: number;
  readonly lastId: EntryId;
  readonly maxDeletedId: EntryId;
  readonly entriesAdded: number;
}

export interface StreamGroup {
  readonly name: string;
  readonly lastId: EntryId;
  /** -1 for not known; null where it was not counted yet. */
  readonly entriesRead: number | null;
  /** By the text of the id. */
  readonly pending: Map<string, StreamPending>;
  readonly consumers: StreamConsumer[];
}

export interface StreamPending {
  readonly id: EntryId;
  readonly time: number;
  readonly count: number;
  /** The number of the consumer; -1 for none yet. */
  consumer: number;
}

export interface StreamConsumer {
  readonly name: string;
  readonly seenAt: number;
  readonly activeAt: number;
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

/** The id of a node, as a string. */
export function readMasterId(reader: RdbReader): EntryId {
  reader.string();
  if (reader.end - reader.start !== idBytes) throw new BadData("the id of a stream's node");
  return new EntryId().read(reader.bytes, reader.start);
}

/** What follows the nodes. */
export function readStreamMeta(reader: RdbReader, { hasCounts }: StreamForm): StreamMeta {
  const length = reader.length();
  const lastId = readId(reader);
  if (!hasCounts) return { length, lastId, maxDeletedId: new EntryId(), entriesAdded: length };
  readId(reader);
  return { length, lastId, maxDeletedId: readId(reader), entriesAdded: reader.length() };
}

/** What follows the numbers, to the end. */
export function* readStreamGroups(reader: RdbReader, form: StreamForm): Job<StreamGroup[]> {
  const groups: StreamGroup[] = [];
  for (let left = reader.count(groupBytes); left > 0; left--) groups.push(yield* readGroup(reader, form));
  return groups;
}

function* readGroup(reader: RdbReader, { hasCounts, hasActiveAt }: StreamForm): Job<StreamGroup> {
  const group: StreamGroup = {
    name: reader.text(),
    lastId: readId(reader),
    entriesRead: hasCounts ? readCount(reader) : null,
    pending: new Map(),
    consumers: [],
  };
  let units = 0;
  for (let left = reader.count(pendingBytes); left > 0; left--) {
    const id = readRawId(reader);
    const time = reader.time();
    group.pending.set(id.toString(), { id, time, count: reader.length(), consumer: -1 });
    units += unitsOfPending;
    if (units % unitsOfPiece === 0) yield unitsOfPiece;
  }
  for (let left = reader.count(consumerBytes); left > 0; left--) {
    const consumer = reader.text();
    const seenAt = reader.time();
    const activeAt = hasActiveAt ? reader.time() : seenAt;
    const number = group.consumers.push({ name: consumer, seenAt, activeAt }) - 1;
    for (let held = reader.count(idBytes); held > 0; held--) {
      const found = group.pending.get(readRawId(reader).toString());
      if (found === undefined) throw new BadData("a consumer holds what is not pending");
      found.consumer = number;
      units += unitsOfPending;
      if (units % unitsOfPiece === 0) yield unitsOfPiece;
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
  return reader.high === 0xffff_ffff ? -1 : count;
}
