/**
 * A consumer of a Redis group gives an entry up: it comes again after a while, or goes to the stream of dead letters.
 *
 *     dead letter = the entry's fields, and troika.reason, troika.deliveries, troika.added, troika.last, troika.group,
 *                   troika.consumer, troika.key, troika.id; times in unix ms: `last` is when it was delivered last,
 *                   `consumer` to whom; of an entry that has waited too (give-up-notes.ts)
 *
 * The dead letter is appended in the turn in which the entry is acknowledged, so one group of the journal holds both: it is in one place
 * or the other, never in both or none. Not here: how long it waits (retry-policy.ts).
 * Invariant: an entry that is pending is not delivered oftener than its policy says, by whichever command: those that deliver ask
 * `diesInstead` first. While the stream of dead letters cannot take it, it waits.
 */
import { holderIn, traceRejected } from "./traced-group.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { RedisView } from "../../message/convert/as-redis.ts";
import { EntryId } from "../../message/entry-id.ts";
import { envelope } from "../../message/envelope.ts";
import { EntryReader, writeEntryHeader, writeEntryPart } from "../../message/redis/entry.ts";
import { LogReader } from "../../storage/index.ts";
import type { Queue } from "../queue/queue.ts";
import { type GiveUpNote, markOf } from "./give-up-notes.ts";
import type { GroupCursor } from "./group-cursor.ts";
import { GroupRetries } from "./retries.ts";
import { retryOwnerName } from "./retry-owner.ts";
import { deadQueueName } from "../retry/dead-queue.ts";
import { delayOf, type RetryPolicy, retryOf } from "../retry/retry-policy.ts";

const id = new EntryId();
const view = new RedisView();
const fields = new EntryReader();
const scratch = new ByteWriter(256);
const scratchBytesKept = 1 << 20;
const unlimited: RetryPolicy = { limit: Infinity, backoffMs: 0, factor: 1, maxMs: 0, jitter: 0 };
/** The stream of dead letters is tried again after this, or after the back-off where that is longer. */
const buryAgainMs = 5000;

export interface GivenUp {
  readonly reason: string;
  /** Instead of the policy's back-off; -1: the policy's. */
  readonly delayMs: number;
}

/** Null: the group has none, nor has its stream. */
export function retryPolicyOf(queue: Queue, cursor: GroupCursor): RetryPolicy | null {
  return cursor.retryPolicy ?? retryOf(queue.policy);
}

/** How often an entry may be delivered; Infinity without a policy. */
function limitOf(queue: Queue, cursor: GroupCursor): number {
  const own = cursor.retryPolicy;
  if (own !== null) return own.limit;
  const { retryLimit } = queue.policy;
  return retryLimit === undefined ? Infinity : Math.max(retryLimit, 1);
}

/** Whether a pending entry was delivered as often as it may be. */
export function isExhausted(cursor: GroupCursor, offset: number): boolean {
  const queue = cursor.log.owner as Queue | null;
  return queue !== null && cursor.pending.countOf(offset) >= limitOf(queue, cursor);
}

/**
 * Asked before a pending entry is delivered for the `deliveries`th time. True: it was delivered as often as it may be, and has become a
 * dead letter, or waits for the stream of dead letters. Where it throws nothing has changed.
 */
export function diesInstead(
  cursor: GroupCursor,
  offset: number,
  deliveries = cursor.pending.countOf(offset) + 1,
): boolean {
  // The log of a group is a stream's, or that of a stream that is being made.
  const queue = cursor.log.owner as Queue | null;
  if (queue === null || deliveries <= limitOf(queue, cursor)) return false;
  const reader = new LogReader(cursor.log, offset);
  if (!reader.next() || reader.offset !== offset) return false;
  bury(queue, cursor, reader, { reason: "maxdeliver", delayMs: -1 });
  return true;
}

/** Gives up a pending entry. Returns "gone" where it is not in the stream any more: then it is settled. */
export function giveUp(
  queue: Queue,
  cursor: GroupCursor,
  offset: number,
  given: GivenUp,
): "again" | "dead" | "gone" {
  const count = cursor.pending.countOf(offset);
  const reader = new LogReader(cursor.log, offset);
  if (!reader.next() || reader.offset !== offset) {
    cursor.settle(offset);
    return "gone";
  }
  if (queue.trace !== null) traceRejected(queue, cursor, offset, given.reason);
  if (count >= limitOf(queue, cursor)) return bury(queue, cursor, reader, given) ? "dead" : "again";
  const policy = retryPolicyOf(queue, cursor) ?? unlimited;
  const delay = given.delayMs >= 0 ? given.delayMs : delayOf(policy, count, queue.vhost.broker.random);
  waitFor(queue, cursor, offset, { delay, note: noteOf(cursor, offset, given.reason) });
  return "again";
}

/** A pending entry comes again after `delayMs`, whatever it is then. */
export function waitAgain(
  queue: Queue,
  cursor: GroupCursor,
  offset: number,
  { reason, delayMs }: GivenUp,
): void {
  waitFor(queue, cursor, offset, { delay: delayMs, note: noteOf(cursor, offset, reason) });
}

/** Makes a dead letter of the entry that the reader is at. False: it cannot be now, so the entry waits. */
function bury(queue: Queue, cursor: GroupCursor, reader: LogReader, { reason, delayMs }: GivenUp): boolean {
  const { offset } = reader;
  const policy = retryPolicyOf(queue, cursor)!;
  const note = noteOf(cursor, offset, reason);
  const place = deadLetterStream(queue, policy.deadLetter ?? deadQueueName(queue.name));
  if (deadLetter(queue, cursor, reader, { note, deliveries: cursor.pending.countOf(offset), place })) {
    cursor.settle(offset);
    return true;
  }
  const count = cursor.pending.countOf(offset);
  const delay = delayMs >= 0 ? delayMs : delayOf(policy, count, queue.vhost.broker.random);
  waitFor(queue, cursor, offset, { delay: Math.max(delay, buryAgainMs), note });
  return false;
}

/** Of an entry that waits, what it was given up with; else what is so now. */
function noteOf(cursor: GroupCursor, offset: number, reason: string): GiveUpNote {
  const { pending } = cursor;
  const known = cursor.notes?.of(offset) ?? null;
  if (known !== null) return { ...known, reason: markOf(known)?.reason ?? known.reason };
  const consumer = cursor.ownerById(pending.ownerOf(offset))?.name ?? "";
  return { reason, consumer, deliveredAt: pending.timeOf(offset) };
}

interface Waiting {
  /** ms. */
  readonly delay: number;
  readonly note: GiveUpNote;
}

function waitFor(queue: Queue, cursor: GroupCursor, offset: number, { delay, note }: Waiting): void {
  const { pending } = cursor;
  const { clock, tracer } = queue.vhost.broker;
  const now = clock.now();
  const at = now + delay;
  const deliveries = pending.countOf(offset);
  if (queue.trace !== null && delay > 0)
    tracer.waits(queue, offset, at, deliveries, holderIn(cursor, offset));
  retriesOf(queue, cursor).wait(offset, { at, now }, deliveries, pending.readId(offset, id));
  // One that has waited before has its note.
  if ((cursor.notes?.of(offset) ?? null) === null) cursor.noteGivenUp(offset, note);
}

export function retriesOf(queue: Queue, cursor: GroupCursor): GroupRetries {
  const { retries } = cursor;
  if (retries instanceof GroupRetries) return retries;
  return (cursor.retries = new GroupRetries(cursor, queue.vhost.broker.wallTimers, diesInstead));
}

/** What waits for its next delivery in a group that comes to be comes at its time (resume.ts). */
export function resumeRetries(queue: Queue, cursor: GroupCursor): void {
  const { work } = queue.vhost.broker;
  if (cursor.retries === null && cursor.owners.has(retryOwnerName))
    work.run(retriesOf(queue, cursor).restore(), () => {});
}

/** Of a topic of that name with several partitions the one with the number of `queue`, if there are so many; else the stream of that name. */
export function deadLetterStream(queue: Queue, name: string): string {
  const { topics } = queue.vhost;
  const partitions = topics.find(name)?.partitions ?? [];
  if (partitions.length <= 1) return name;
  const index = Math.max(topics.topicOf(queue)?.partitions.indexOf(queue) ?? 0, 0);
  return partitions[index % partitions.length]!.name;
}

/** What a dead letter says beside the entry, and the name of the stream that it goes to. */
interface Letter {
  readonly note: GiveUpNote;
  readonly deliveries: number;
  readonly place: string;
}

/** Makes a dead letter of a pending entry. False where the stream of dead letters cannot take it. */
export function deadLetter(
  queue: Queue,
  cursor: GroupCursor,
  reader: LogReader,
  { note, deliveries, place }: Letter,
): boolean {
  const { broker, name: vhostName } = queue.vhost;
  const { offset } = reader;
  const { pending } = cursor;
  const { buffer, start, end } = view.entry(reader);
  if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
  scratch.reset();
  const added = {
    "troika.reason": note.reason,
    "troika.deliveries": String(deliveries),
    "troika.added": String(reader.timestamp),
    "troika.last": String(note.deliveredAt),
    "troika.group": cursor.name,
    "troika.consumer": note.consumer,
    "troika.key": queue.name,
    "troika.id": pending.readId(offset, id).toString(),
  };
  const pairs = Object.entries(added);
  writeEntryHeader(scratch, fields.open(buffer, start, end) + pairs.length);
  scratch.bytes(buffer, fields.position, end);
  for (const [name, value] of pairs) {
    writeEntryPart(scratch, Buffer.from(name));
    writeEntryPart(scratch, Buffer.from(value, "latin1"));
  }
  const record = { envelope: envelope.redis, buffer: scratch.buffer, start: 0, end: scratch.length };
  // A stream that was renamed may have the name of its own dead letters.
  if (broker.storage.failure !== null || place === queue.name) return false;
  const { tracer } = broker;
  const carried = tracer.isOn ? tracer.carry(queue, offset, note.reason) : null;
  try {
    return broker.enterStream?.(vhostName, place, record) === true;
  } finally {
    tracer.carried = carried;
  }
}
