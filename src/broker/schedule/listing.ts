/**
 * What waits for its time before it enters one destination, for who looks: messages that it delays (`delay-allowed`), then entries that
 * TROIKA.XADD scheduled, each in the order in which they came. And cancelling one of them.
 *
 *     id = ["d"] ms "-" sequence      with "d" for delayed messages; without it, as TROIKA.XADD answered
 *
 * Pages of `state=scheduled` (broker/look/scheduled.ts) go the same walk through a log. Not here: rights and JSON (admin/troika/delayed.ts), what the content is shown as (`read`). Invariants: a page has `messagesMax` messages at most, and ends
 * behind the message with which it has `bytesMax` bytes; nothing is changed by looking.
 */
import { BrokerError } from "../../base/errors.ts";
import { type Job, Piece } from "../../base/turn-work.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { StoredRecord } from "../../message/record.ts";
import type { Broker } from "../broker.ts";
import { companionPrefixes } from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import type { LaterLog } from "./later-table.ts";
import { scheduledRecord } from "./scheduled-log.ts";

export type WaitKind = "delayed" | "scheduled";

/** Which of those that wait for a destination. */
export interface WaitId {
  readonly kind: WaitKind;
  readonly handle: EntryId;
}

export interface Listed<Content> {
  readonly id: string;
  readonly kind: WaitKind;
  /** Wall times, ms: when it enters its destination, and when it came. */
  readonly due: number;
  readonly since: number;
  readonly content: Content | { readonly unreadable: string };
}

export interface ListingWanted<Content> {
  /** Null: from the first. */
  readonly from: WaitId | null;
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** The record as its destination will have it, and how many bytes of it are kept. */
  readonly read: (record: StoredRecord) => { readonly content: Content; readonly bytes: number };
}

export interface ListedPage<Content> {
  readonly messages: readonly Listed<Content>[];
  /** The id to go on from; null: there is no more. */
  readonly next: string | null;
}

const unitsOfMessage = 8;
const bytesPerUnit = 1024;

const prefixes: Readonly<Record<WaitKind, string>> = {
  delayed: companionPrefixes.later,
  scheduled: companionPrefixes.scheduled,
};
const kinds = ["delayed", "scheduled"] as const;

export function parseWaitId(text: string): WaitId | null {
  const found = /^(d?)(\d{1,15})-(\d{1,15})$/.exec(text);
  if (found === null) return null;
  const handle = new EntryId().set(Number(found[2]), Number(found[3]));
  return { kind: found[1] === "d" ? "delayed" : "scheduled", handle };
}

/** By which it is cancelled. */
export function textOfWaitId(kind: WaitKind, id: EntryId): string {
  const sequence = id.sequenceHigh * 0x1_0000_0000 + id.sequenceLow;
  return `${kind === "delayed" ? "d" : ""}${id.ms}-${sequence}`;
}

function waitingOf(broker: Broker, kind: WaitKind, vhostName: string, name: string): Queue | undefined {
  return broker.vhost(prefixes[kind] + vhostName)?.queues.get(name);
}

/** How many messages of both kinds wait for the destination. */
export function waitingCountOf(broker: Broker, vhostName: string, name: string): number {
  let count = 0;
  for (const kind of kinds) count += countOf(broker, kind, vhostName, name);
  return count;
}

/** How many delayed messages wait for it, which go with it when it is deleted. */
export function delayedCountOf(broker: Broker, vhostName: string, name: string): number {
  return countOf(broker, "delayed", vhostName, name);
}

function countOf(broker: Broker, kind: WaitKind, vhostName: string, name: string): number {
  const log = waitingOf(broker, kind, vhostName, name)?.log;
  return log === undefined ? 0 : log.length + log.store.openCountOf(log);
}

/** A record that waits, as its destination will have it; valid until the next one. */
export interface WaitingRecord extends StoredRecord {
  readonly due: number;
}

/** Goes through what waits in a log, until `isFull`. Returns the record to go on from; null: there is no more. `visit` says how many units of work it did. */
export function* walkingWaiting(
  waiting: LaterLog,
  from: number,
  isFull: () => boolean,
  visit: (record: WaitingRecord) => number,
): Job<{ readonly offset: number; readonly id: EntryId } | null> {
  const { log } = waiting;
  log.store.seal();
  const lastOffset = log.stableEnd;
  const reader = waiting.reader(from);
  const piece = new Piece();
  while (!waiting.isDeleted && reader.next() && reader.offset < lastOffset) {
    if (isFull()) return reader;
    const { due, envelope, start, end } = scheduledRecord(reader);
    const { buffer, offset, timestamp, id } = reader;
    const units = piece.add(
      visit({ due, envelope, buffer, start, end, offset, timestamp, id, indexInFrame: 0 }),
    );
    if (units > 0) yield units;
  }
  return null;
}

/** A page of what waits for that destination, in slices. */
export function* listing<Content>(
  broker: Broker,
  vhostName: string,
  name: string,
  { from, messagesMax, bytesMax, read }: ListingWanted<Content>,
): Job<ListedPage<Content>> {
  const messages: Listed<Content>[] = [];
  let bytesLeft = bytesMax;
  for (const kind of kinds) {
    if (from !== null && kinds.indexOf(kind) < kinds.indexOf(from.kind)) continue;
    const queue = waitingOf(broker, kind, vhostName, name);
    if (queue === undefined) continue;
    const first = from?.kind === kind ? queue.log.offsetOfEntryId(from.handle) : 0;
    const isFull = (): boolean => messages.length === messagesMax || bytesLeft <= 0;
    const next = yield* walkingWaiting(queue, first, isFull, (record) => {
      const { due, timestamp: since, id } = record;
      const { content, bytes } = readable(record, read);
      messages.push({ id: textOfWaitId(kind, id), kind, due, since, content });
      bytesLeft -= bytes;
      return unitsOfMessage + bytes / bytesPerUnit;
    });
    if (next !== null) return { messages, next: textOfWaitId(kind, next.id) };
  }
  return { messages, next: null };
}

function readable<Content>(
  record: StoredRecord,
  read: ListingWanted<Content>["read"],
): { readonly content: Content | { readonly unreadable: string }; readonly bytes: number } {
  try {
    return read(record);
  } catch (error) {
    // The messages behind it can be looked at all the same.
    if (!(error instanceof BrokerError)) throw error;
    return { content: { unreadable: error.message }, bytes: 0 };
  }
}

/** Says whether it was waiting: then it never comes. */
export function cancelWaiting(
  broker: Broker,
  vhostName: string,
  name: string,
  { kind, handle }: WaitId,
): boolean {
  return broker.timetables.get(prefixes[kind])?.cancelIn(vhostName, name, handle) ?? false;
}
