/**
 * Taking what is under a key to another key: what RENAME, COPY and MOVE share, for entries and streams.
 *
 * A stream that AMQP or Kafka clients know by its name (broker/queue/name-rules.ts) keeps that name: it can be copied, and is neither
 * renamed nor moved. Not here: how a stream is copied (broker/stream/copy.ts). Invariant: whatever may be refused is refused before
 * what is under the other key goes.
 */
import type { Job } from "../../../base/turn-work.ts";
import { resumeGroup } from "../../../broker/groups/resume.ts";
import { adoptStream, renameStream } from "../../../broker/queue/lifecycle.ts";
import { assertNameFits, isUnclaimed } from "../../../broker/queue/name-rules.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { copyStream } from "../../../broker/stream/copy.ts";
import { StreamDraft } from "../../../broker/stream/draft.ts";
import type { Database } from "../../../keyspace/database.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { assertReplaceable, makeWay } from "./key-access.ts";
import { keyAt, type KeyRef, writableKeyAt } from "./key-ref.ts";
import { keyEvents } from "../notifications/key-events.ts";

/** A key that is to get what is under another one. */
export interface TargetKey {
  readonly context: CommandContext;
  readonly database: Database;
  /** The argument that is the key. */
  readonly index: number;
}

/** Takes what is under a key to another one, which it replaces; its expiry goes with it. */
export function moveKey(from: KeyRef, target: TargetKey): void {
  const { stream, entry } = from;
  if (stream !== undefined) return moveStream(stream, from, target);
  takeEntry("rename", from.database, entry, target);
}

/** Copies what is under a key, with its expiry, to another one, which it replaces. A stream is not an entry: see `copyStreamKey`. */
export function copyEntry({ database, entry }: KeyRef, target: TargetKey): void {
  takeEntry("copy", database, entry, target);
}

function takeEntry(
  how: "copy" | "rename",
  source: Database,
  entry: number,
  { context, database, index }: TargetKey,
): void {
  const { buffer, starts, ends } = context.request;
  // The journal may get the value again, so that RENAME and MOVE too need room, though redis does not count them among such.
  context.broker.storage.assertWritable();
  // Redis makes the key anew even where it replaces one.
  const isReplaced = keyAt(context, index, database).exists;
  makeWay(context, index, database.number);
  if (how === "copy") source.copyTo(entry, database, buffer, starts[index]!, ends[index]!);
  else source.renameTo(entry, database, buffer, starts[index]!, ends[index]!);
  if (isReplaced) context.notify(keyEvents.made, index, database.number);
}

function moveStream(stream: Queue, from: KeyRef, target: TargetKey): void {
  if (!isUnclaimed(stream))
    throw new RedisError(
      "ERR AMQP or Kafka clients know this stream or queue by its name; copy it instead of renaming or moving it",
    );
  clearForStream(target);
  const { server } = target.context;
  renameStream(stream, server.vhostOf(target.database.number), nameOf(target));
  target.context.notify(keyEvents.made, target.index, target.database.number);
  changed(from);
  changed(target);
}

/**
 * Copies a stream, with its groups and its expiry, to another key. Says whether it did: not where the stream is deleted meanwhile, or
 * the other key is there and `replaces` is false.
 */
export function* copyStreamKey(source: Queue, target: TargetKey, replaces: boolean): Job<boolean> {
  const { context, database, index } = target;
  assertStreamCanBe(target);
  assertMayCopyRetries(source, target);
  let draft: StreamDraft | null = new StreamDraft(context.broker);
  try {
    if (!(yield* copyStream(source, draft))) return false;
    if (!replaces && keyAt(context, index, database).exists) return false;
    adoptDraft(target, draft, source.deleteAt);
    draft = null;
    return true;
  } finally {
    draft?.drop();
  }
}

/** The groups of the copy send their dead letters where those of the source do: so the user needs the right to write there. */
function assertMayCopyRetries({ groups }: Queue, { context, database }: TargetKey): void {
  for (const { retryPolicy } of groups.values())
    if (retryPolicy?.deadLetter !== undefined) assertMayPut(context, retryPolicy.deadLetter, database.number);
}

/** What was made becomes the stream of a key, which it replaces, until that wall time (ms; 0 for ever). */
export function adoptDraft(target: TargetKey, { log, groups }: StreamDraft, deleteAt: number): void {
  clearForStream(target);
  const { context, database } = target;
  const vhost = context.server.vhostOf(database.number);
  const queue = adoptStream(vhost, nameOf(target), { log, groups, deleteAt });
  for (const cursor of groups.values()) resumeGroup(queue, cursor);
  context.notify(keyEvents.made, target.index, database.number);
  changed(target);
}

function nameOf({ context, index }: TargetKey): string {
  return context.request.latin1(index);
}

/** Throws where the key cannot become a stream, whatever it is now: WRONGTYPE, NOPERM, UNAVAILABLE, INVALID. */
export function assertStreamCanBe({ context, database, index }: TargetKey): void {
  const { broker, request } = context;
  broker.storage.assertWritable();
  assertNameFits("queue", request.latin1(index));
  assertReplaceable(context, index, database.number);
}

/** Removes what is under a key that is to become a stream. */
function clearForStream(target: TargetKey): void {
  assertStreamCanBe(target);
  keyAt(target.context, target.index, target.database).remove();
}

function changed({ context, index, database }: TargetKey): void {
  context.keyChanged(index, database.number);
}

/** Gives the key in argument 1 the name in argument 2; says whether it did. Throws without such a key. */
export function renameKey(context: CommandContext, replaces: boolean): boolean {
  const { buffer, starts, ends } = context.request;
  const from = writableKeyAt(context, 1);
  if (!from.exists) throw new RedisError(errorTexts.noSuchKey);
  if (buffer.compare(buffer, starts[1], ends[1], starts[2], ends[2]) === 0) return false;
  const { database } = from;
  if (!replaces && keyAt(context, 2, database).exists) return false;
  assertMayPut(context, context.request.latin1(2), context.database);
  moveKey(from, { context, database, index: 2 });
  context.notify(keyEvents.renameFrom, 1);
  context.notify(keyEvents.renameTo, 2);
  return true;
}
