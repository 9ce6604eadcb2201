/**
 * A consumer of a Redis group gives an entry up: it comes again after a while, or goes to the stream of dead letters.
 *
 *     dead letter = the entry's fields, and troika.reason, troika.deliveries, troika.added, troika.last, troika.group,
 *                   troika.consumer, troika.key, troika.id; times in unix ms: `last` is when it was delivered last
 *
 * The dead letter is appended in the turn in which the entry is acknowledged, so one group of the journal holds both: it is in one place
 * or the other, never in both or none. Where the stream of dead letters cannot take it, it comes again. Not here: how long it waits
 * (retry-policy.ts).
 */
import { ByteWriter } from "../../base/bytes.ts";
import { RedisView } from "../../message/convert/as-redis.ts";
import { EntryId } from "../../message/entry-id.ts";
import { envelope } from "../../message/envelope.ts";
import { EntryReader, writeEntryHeader, writeEntryPart } from "../../message/redis/entry.ts";
import { LogReader } from "../../storage/index.ts";
import type { Queue } from "../queue/queue.ts";
import type { GroupCursor } from "./group-cursor.ts";
import { retriesOf } from "./retries.ts";
import { delayOf, type RetryPolicy, retryOfStream } from "./retry-policy.ts";

const id = new EntryId();
const view = new RedisView();
const fields = new EntryReader();
const scratch = new ByteWriter(256);
const scratchBytesKept = 1 << 20;
const unlimited: RetryPolicy = { limit: Infinity, backoffMs: 0, factor: 1, maxMs: 0, jitter: 0 };

export interface GivenUp {
  readonly group: string;
  readonly reason: string;
  /** Instead of the policy's back-off; -1: the policy's. */
  readonly delayMs: number;
}

/** Null: the group has none, nor has its stream. */
export function retryPolicyOf(queue: Queue, cursor: GroupCursor): RetryPolicy | null {
  return cursor.retryPolicy ?? retryOfStream(queue.policy);
}

/** Whether the entry was delivered as often as it may be. */
export function isExhausted(queue: Queue, cursor: GroupCursor, offset: number): boolean {
  const policy = retryPolicyOf(queue, cursor);
  return policy !== null && cursor.pending.countOf(offset) >= policy.limit;
}

/** Gives up a pending entry. Returns "gone" where it is not in the stream any more: then it is settled. */
export function giveUp(
  queue: Queue,
  cursor: GroupCursor,
  offset: number,
  { group, reason, delayMs }: GivenUp,
): "again" | "dead" | "gone" {
  const { broker } = queue.vhost;
  const { pending } = cursor;
  const policy = retryPolicyOf(queue, cursor) ?? unlimited;
  const count = pending.countOf(offset);
  const reader = new LogReader(cursor.log, offset);
  if (!reader.next() || reader.offset !== offset) {
    cursor.settle(offset);
    return "gone";
  }
  if (count >= policy.limit && deadLetter(queue, cursor, reader, { group, reason, policy })) {
    cursor.settle(offset);
    return "dead";
  }
  const delay = delayMs >= 0 ? delayMs : delayOf(policy, count, broker.random);
  retriesOf(cursor, broker.wallTimers).wait(
    offset,
    broker.clock.now() + delay,
    count,
    pending.readId(offset, id),
  );
  return "again";
}

/** False where the stream of dead letters cannot take it. */
function deadLetter(
  queue: Queue,
  cursor: GroupCursor,
  reader: LogReader,
  {
    group,
    reason,
    policy,
  }: { readonly group: string; readonly reason: string; readonly policy: RetryPolicy },
): boolean {
  const { broker, name: vhostName } = queue.vhost;
  const { offset } = reader;
  const { pending } = cursor;
  const { buffer, start, end } = view.entry(reader);
  if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
  scratch.reset();
  const added = {
    "troika.reason": reason,
    "troika.deliveries": String(pending.countOf(offset)),
    "troika.added": String(reader.timestamp),
    "troika.last": String(pending.timeOf(offset)),
    "troika.group": group,
    "troika.consumer": cursor.ownerById(pending.ownerOf(offset))?.name ?? "",
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
  const name = policy.deadLetter ?? `${queue.name}.dead`;
  // A stream that was renamed may have the name of its own dead letters.
  if (broker.storage.failure !== null || name === queue.name) return false;
  return broker.enterStream?.(vhostName, name, record) === true;
}
