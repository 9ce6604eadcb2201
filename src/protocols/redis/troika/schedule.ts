/**
 * TROIKA.XADD key DELAY ms | DELIVERAT unix-ms * field value [field value ...]
 * TROIKA.SCHEDULED key [FROM handle] [COUNT count]
 * TROIKA.CANCEL key handle [handle ...]
 *
 * Entries that enter a stream later. TROIKA.XADD answers a handle once the entry is as safe as one of XADD would be; the entry gets its id
 * when it enters the stream. Not here: the waiting (broker/schedule/).
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { scheduledRecord } from "../../../broker/schedule/scheduled-log.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { assertMayUseKey } from "../acl/key-rights.ts";
import { type CommandRow, oneKey } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, wrongArity } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, unitsOfBytes } from "../core/sliced-reply.ts";
import { entryOf } from "../stream/entry-append.ts";
import { lastStream, lookUp } from "../stream/find.ts";
import { answerForIds } from "../stream/groups/few-ids.ts";
import { strictIdArgument, writeStreamId } from "../stream/id.ts";
import { assertValueBehind, noOption, wholeArgument } from "./own-arguments.ts";

export const scheduleCommands: readonly CommandRow[] = [
  {
    name: "troika.xadd",
    arity: -7,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "update")],
    tips: ["nondeterministic_output"],
    since: "7.2.0",
    complexity: "O(log(N)), N entries that wait",
    summary: "Appends an entry to a stream at a later time.",
    run: addLater,
  },
  {
    name: "troika.scheduled",
    arity: -2,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "7.2.0",
    complexity: "O(N), N entries returned",
    summary: "Lists the entries that enter a stream later.",
    run: scheduled,
  },
  {
    name: "troika.cancel",
    arity: -3,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "delete")],
    since: "7.2.0",
    complexity: "O(N), N handles",
    summary: "Cancels entries that would enter a stream later.",
    acts: ["removeEntries"],
    run: cancel,
  },
];

const handle = new EntryId();
const unitsOfEntry = 0.5;

function addLater(context: CommandContext): void {
  const { request, reply, server, broker, caller, vhost } = context;
  const due = dueArgument(context);
  const count = request.argumentCount;
  if (request.latin1(4) !== "*") throw noOption(context, 4, "add");
  if ((count - 5) % 2 !== 0) throw wrongArity("troika.xadd");
  const key = request.latin1(1);
  if ((lastStream(context, 1) ?? lookUp(context, key)) === undefined) {
    assertMayUseKey(context, "create", key);
    if (context.database === 0 && vhost.exchanges.has(key))
      throw new RedisError("ERR that is the name of an exchange or topic: give the name of a stream");
  }
  broker.storage.assertWritable();
  const entry = entryOf(request, 5, count);
  const record = { due, envelope: envelope.redis, buffer: entry.buffer, start: 0, end: entry.length };
  const queue = server.timetable.add(vhost, key, record, handle);
  caller.publisherSeen();
  if (queue.log.isDurable && broker.options.redisStreamsDurability === "fsync") caller.holdUntilDurable();
  writeStreamId(reply.out, handle);
}

function dueArgument(context: CommandContext): number {
  const { request, broker } = context;
  const isDelay = request.is(2, "DELAY");
  if (!isDelay && !request.is(2, "DELIVERAT")) throw noOption(context, 2, "add");
  const ms = request.integer(3);
  if (Number.isNaN(ms)) throw new RedisError(errorTexts.notInteger);
  const due = isDelay ? broker.clock.now() + ms : ms;
  if (ms < 0 || !Number.isSafeInteger(due))
    throw new RedisError("ERR invalid time: give milliseconds, not below 0");
  return due;
}

function scheduled(context: CommandContext): void {
  const { request, server, vhost } = context;
  let count = Infinity;
  const from = new EntryId();
  for (let at = 2; at < request.argumentCount; at += 2) {
    assertValueBehind(context, at, "scheduled");
    if (request.is(at, "FROM")) strictIdArgument(request, at + 1, from);
    else if (request.is(at, "COUNT")) count = wholeArgument(context, at + 1, 0);
    else throw noOption(context, at, "scheduled");
  }
  const queue = server.timetable.find(vhost, request.latin1(1));
  if (queue === undefined) return context.reply.array(0);
  answerInSlices(context, (parts) => writeScheduled(context, parts, queue, from, count));
}

/** `[handle, unix-ms, [field, value, ...]]` of each. */
function* writeScheduled(
  { reply }: CommandContext,
  parts: PartedReply,
  queue: Queue,
  from: EntryId,
  most: number,
): Job<void> {
  const { log } = queue;
  log.store.seal();
  const end = log.stableEnd;
  const reader = queue.reader(log.offsetOfEntryId(from));
  const list = parts.openList();
  const piece = new Piece();
  let count = 0;
  for (; count < most && reader.next() && reader.offset < end; count++) {
    const before = parts.bytes;
    const record = scheduledRecord(reader);
    reply.array(3);
    writeStreamId(reply.out, reader.id);
    reply.integer(record.due);
    if (record.envelope === envelope.redis) reply.out.bytes(reader.buffer, record.start, record.end);
    else reply.bulk(reader.buffer, record.start, record.end);
    const due = piece.add(unitsOfEntry + unitsOfBytes(parts.bytes - before));
    if (due > 0) yield due;
  }
  parts.closeList(list, count);
}

function cancel(context: CommandContext): void {
  const { request, server, vhost, reply } = context;
  for (let at = 2; at < request.argumentCount; at++) strictIdArgument(request, at, handle);
  const key = request.latin1(1);
  if (server.timetable.find(vhost, key) === undefined) return reply.integer(0);
  const ids = request.argumentCount - 2;
  answerForIds(context, { ids, units: ids }, () => cancelEach(context, key));
}

function* cancelEach(context: CommandContext, key: string): Job<void> {
  const { request, server, vhost, reply } = context;
  const piece = new Piece();
  let cancelled = 0;
  for (let at = 2; at < request.argumentCount; at++) {
    if (server.timetable.cancel(vhost, key, strictIdArgument(request, at, handle))) cancelled++;
    const due = piece.add(1);
    if (due > 0) yield due;
  }
  reply.integer(cancelled);
}
