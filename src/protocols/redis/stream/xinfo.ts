/** XINFO STREAM key [FULL [COUNT count]]      XINFO GROUPS key      XINFO CONSUMERS key group */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { entriesAdded } from "../../../broker/groups/progress.ts";
import { LogReader } from "../../../storage/logs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { findGroup, noSuchGroup, sortedByName, writeProgress } from "./groups/groups.ts";
import { subcommandSyntaxError, writeHelp } from "../core/help.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { writeStreamId } from "./id.ts";
import { writeEntry } from "./stream.ts";
import { findStream } from "./find.ts";
import { writeFullInfo } from "./full-info.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const xinfoCommand: CommandRow = {
  name: "xinfo",
  arity: -2,
  flags: [],
  categories: [],
  since: "5.0.0",
  complexity: "Depends on the subcommand",
  summary: "Looks at streams, groups and consumers.",
  subcommands: [
    {
      name: "consumers",
      arity: 4,
      flags: ["readonly"],
      keys: [oneKey(2, "RO", "access")],
      tips: ["nondeterministic_output"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the consumers of a group.",
      run: xinfoConsumers,
    },
    {
      name: "groups",
      arity: 3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO", "access")],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the consumer groups of a stream.",
      run: xinfoGroups,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the XINFO subcommands.",
      run: xinfoHelp,
    },
    {
      name: "stream",
      arity: -3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO", "access")],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Describes a stream.",
      run: xinfoStream,
    },
  ],
};

const defaultCount = 10;
const noId = new EntryId();
const unitsOfGroup = 2;
const unitsOfConsumer = 1;

function existingStream(context: CommandContext): Queue {
  const queue = findStream(context, 2);
  if (queue === undefined) throw new RedisError(errorTexts.noSuchKey);
  return queue;
}

function xinfoStream(context: CommandContext): void {
  const { request, reply } = context;
  const queue = existingStream(context);
  const options = request.argumentCount - 3;
  if (options === 0) {
    reply.map(10);
    writeStreamFacts(context, queue);
    return writeShortInfo(context, queue);
  }
  if ((options !== 1 && options !== 3) || !request.is(3, "FULL")) throw subcommandSyntaxError(context);
  let count = defaultCount;
  if (options === 3) {
    if (!request.is(4, "COUNT")) throw subcommandSyntaxError(context);
    count = request.integer(5);
    if (Number.isNaN(count)) throw new RedisError(errorTexts.notInteger);
    if (count < 0) count = defaultCount;
  }
  answerInSlices(context, (parts) => fullInfo(context, parts, queue, count));
}

function* fullInfo(context: CommandContext, parts: PartedReply, queue: Queue, count: number): Job<void> {
  context.reply.map(9);
  writeStreamFacts(context, queue);
  yield* writeFullInfo(context, parts, queue, count);
}

/** The seven pairs that both forms begin with. Our stream has no radix tree: its blocks are what redis would have. */
function writeStreamFacts(context: CommandContext, { log }: Queue): void {
  const { reply, server } = context;
  const blocks =
    log.length === 0 ? 0 : Math.ceil(log.length / Math.max(server.settings.streamNodeEntriesMax, 1));
  reply.bulkLatin1("length");
  reply.integer(log.length);
  reply.bulkLatin1("radix-tree-keys");
  reply.integer(blocks);
  reply.bulkLatin1("radix-tree-nodes");
  reply.integer(blocks + 1);
  reply.bulkLatin1("last-generated-id");
  writeStreamId(reply.out, log.lastId);
  reply.bulkLatin1("max-deleted-entry-id");
  writeStreamId(reply.out, log.maxDeletedId);
  reply.bulkLatin1("entries-added");
  reply.integer(entriesAdded(log));
  reply.bulkLatin1("recorded-first-entry-id");
  const reader = new LogReader(log, log.firstOffset);
  writeStreamId(reply.out, reader.next() ? reader.id : noId);
}

function writeShortInfo(context: CommandContext, queue: Queue): void {
  const { reply } = context;
  const { log } = queue;
  reply.bulkLatin1("groups");
  reply.integer(queue.groups.size);
  reply.bulkLatin1("first-entry");
  writeEntryOrNull(context, new LogReader(log, log.firstOffset));
  reply.bulkLatin1("last-entry");
  writeEntryOrNull(context, new LogReader(log, log.removed.previousPresent(log.stableEnd - 1)));
}

function writeEntryOrNull(context: CommandContext, reader: LogReader): void {
  if (reader.next()) writeEntry(context.reply, reader);
  else context.reply.null();
}

function xinfoGroups(context: CommandContext): void {
  const queue = existingStream(context);
  answerInSlices(context, () => writeGroups(context, queue));
}

function* writeGroups({ reply }: CommandContext, queue: Queue): Job<void> {
  const groups = yield* sortedByName(queue.groups);
  const piece = new Piece();
  reply.array(groups.length);
  for (const [name, cursor] of groups) {
    reply.map(6);
    reply.bulkLatin1("name");
    reply.bulkLatin1(name);
    reply.bulkLatin1("consumers");
    reply.integer(cursor.owners.size);
    reply.bulkLatin1("pending");
    reply.integer(cursor.pending.size);
    reply.bulkLatin1("last-delivered-id");
    writeStreamId(reply.out, cursor.lastId);
    writeProgress(reply, queue.log, cursor);
    const due = piece.add(unitsOfGroup);
    if (due > 0) yield due;
  }
}

function xinfoConsumers(context: CommandContext): void {
  const cursor = findGroup(context, existingStream(context), 3);
  if (cursor === undefined) throw noSuchGroup(context);
  answerInSlices(context, () => writeConsumers(context, cursor));
}

function* writeConsumers({ reply, broker }: CommandContext, cursor: GroupCursor): Job<void> {
  const owners = yield* sortedByName(cursor.owners);
  const piece = new Piece();
  const now = broker.clock.now();
  reply.array(owners.length);
  for (const [name, owner] of owners) {
    // Redis 7.2's form: `inactive` is how long ago it last got something, -1 for never.
    reply.map(4);
    reply.bulkLatin1("name");
    reply.bulkLatin1(name);
    reply.bulkLatin1("pending");
    reply.integer(owner.pending);
    reply.bulkLatin1("idle");
    reply.integer(Math.max(now - owner.seenAt, 0));
    reply.bulkLatin1("inactive");
    reply.integer(owner.activeAt < 0 ? -1 : Math.max(now - owner.activeAt, 0));
    const due = piece.add(unitsOfConsumer);
    if (due > 0) yield due;
  }
}

function xinfoHelp(context: CommandContext): void {
  writeHelp(context, [
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
  ]);
}
