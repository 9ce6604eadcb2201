/**
 * XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]      XGROUP SETID key group id|$ [ENTRIESREAD n]
 * XGROUP DESTROY key group      XGROUP CREATECONSUMER key group consumer      XGROUP DELCONSUMER key group consumer
 */
import type { Queue } from "../../../../broker/queue/queue.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import type { CursorOwner } from "../../../../broker/groups/group-owners.ts";
import { createGroup, deleteGroup } from "../../../../broker/groups/stream-groups.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { errorTexts, RedisError } from "../../core/errors.ts";
import {
  assertConsumerName,
  findGroup,
  noSuchGroup,
  reservedConsumer,
  seenConsumer,
  setGroupPosition,
} from "./groups.ts";
import { subcommandSyntaxError, writeHelp } from "../../core/help.ts";
import { answerInSlices, directItemsMax } from "../../core/sliced-reply.ts";
import { idArgument, strictIdArgument } from "../id.ts";
import { streamChanged } from "../stream-watch.ts";
import { seal } from "../stream.ts";
import { createStream, findStream } from "../find.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const xgroupCommand: CommandRow = {
  name: "xgroup",
  arity: -2,
  flags: [],
  categories: [],
  since: "5.0.0",
  complexity: "Depends on the subcommand",
  summary: "Manages consumer groups.",
  subcommands: [
    {
      name: "create",
      arity: -5,
      flags: ["write", "denyoom"],
      keys: [oneKey(2, "RW", "insert")],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Creates a consumer group.",
      acts: ["settle"],
      run: xgroupCreate,
    },
    {
      name: "createconsumer",
      arity: 5,
      flags: ["write", "denyoom"],
      keys: [oneKey(2, "RW", "insert")],
      since: "6.2.0",
      complexity: "O(1)",
      summary: "Adds a consumer to a group.",
      acts: ["settle"],
      run: xgroupCreateConsumer,
    },
    {
      name: "delconsumer",
      arity: 5,
      flags: ["write"],
      keys: [oneKey(2, "RW", "delete")],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Removes a consumer of a group, with what is pending for it.",
      acts: ["settle"],
      run: xgroupDelConsumer,
    },
    {
      name: "destroy",
      arity: 4,
      flags: ["write"],
      keys: [oneKey(2, "RW", "delete")],
      since: "5.0.0",
      complexity: "O(N), N pending entries of the group",
      summary: "Removes a consumer group.",
      acts: ["deleteGroup"],
      run: xgroupDestroy,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the XGROUP subcommands.",
      run: xgroupHelp,
    },
    {
      name: "setid",
      arity: -5,
      flags: ["write"],
      keys: [oneKey(2, "RW", "update")],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Moves the position of a consumer group.",
      acts: ["settle"],
      run: xgroupSetId,
    },
  ],
};

const unitsOfSettled = 0.3;
const id = new EntryId();

interface PositionOptions {
  makesStream: boolean;
  /** -1 is not known. */
  entriesRead: number;
}

function parseOptions(context: CommandContext, mayMake: boolean): PositionOptions {
  const { request } = context;
  const options = { makesStream: false, entriesRead: -1 };
  for (let at = 5; at < request.argumentCount; at++) {
    if (mayMake && request.is(at, "MKSTREAM")) options.makesStream = true;
    else if (request.is(at, "ENTRIESREAD") && at + 1 < request.argumentCount) {
      options.entriesRead = request.integer(++at);
      if (Number.isNaN(options.entriesRead)) throw new RedisError(errorTexts.notInteger);
      if (options.entriesRead < -1) throw new RedisError("ERR value for ENTRIESREAD must be positive or -1");
    } else throw subcommandSyntaxError(context);
  }
  return options;
}

function existingStream(context: CommandContext): Queue {
  const queue = findStream(context, 2);
  if (queue !== undefined) return queue;
  throw new RedisError(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM " +
      "option to create an empty stream automatically.",
  );
}

function existingGroup(context: CommandContext): GroupCursor {
  const cursor = findGroup(context, existingStream(context), 3);
  if (cursor === undefined) throw noSuchGroup(context);
  return cursor;
}

function xgroupCreate(context: CommandContext): void {
  const { request, reply } = context;
  const { makesStream, entriesRead } = parseOptions(context, true);
  let queue = makesStream ? findStream(context, 2) : existingStream(context);
  if (!request.is(4, "$")) strictIdArgument(request, 4, id);
  else if (queue === undefined) id.set(0, 0);
  else queue.log.readStableId(id);
  context.broker.storage.assertWritable();
  // Only a new key is a change to those who WATCH: groups are not part of the value.
  if (queue === undefined) {
    queue = createStream(context, request.latin1(2));
    context.keyChanged(2);
  }
  const name = request.latin1(3);
  if (queue.groups.has(name)) throw new RedisError("BUSYGROUP Consumer Group name already exists");
  seal(queue);
  setGroupPosition(createGroup(queue, name), id, entriesRead);
  context.notify(keyEvents.xgroupCreate, 2);
  reply.ok();
}

function xgroupSetId(context: CommandContext): void {
  const { request, reply } = context;
  const { entriesRead } = parseOptions(context, false);
  const queue = existingStream(context);
  const cursor = existingGroup(context);
  if (request.is(4, "$")) queue.log.readStableId(id);
  else idArgument(request, 4, id);
  setGroupPosition(cursor, id, entriesRead);
  context.notify(keyEvents.xgroupSetId, 2);
  // Entries may be new to the group now: who waits in it is to look.
  streamChanged(context, queue);
  reply.ok();
}

function xgroupDestroy(context: CommandContext): void {
  const { request, reply } = context;
  const queue = existingStream(context);
  const name = request.latin1(3);
  const exists = queue.groups.has(name);
  if (exists) {
    deleteGroup(queue, name);
    context.notify(keyEvents.xgroupDestroy, 2);
    streamChanged(context, queue);
  }
  reply.integer(exists ? 1 : 0);
}

function xgroupCreateConsumer(context: CommandContext): void {
  assertConsumerName(context, 4);
  const cursor = existingGroup(context);
  const name = context.request.latin1(4);
  const isNew = !cursor.owners.has(name);
  if (isNew) seenConsumer(context, cursor, name, 2);
  context.reply.integer(isNew ? 1 : 0);
}

function xgroupDelConsumer(context: CommandContext): void {
  const cursor = existingGroup(context);
  const owner = cursor.owners.get(context.request.latin1(4));
  if (owner === undefined) context.reply.integer(0);
  else if (owner.pending > 0 && reservedConsumer(owner.name) !== null) throw reservedConsumer(owner.name);
  else if (owner.pending <= directItemsMax) {
    context.reply.integer(cursor.removeOwner(owner));
    context.notify(keyEvents.xgroupDelConsumer, 2);
  } else answerInSlices(context, () => removeConsumer(context, cursor, owner));
}

/** What it holds is settled first, then it goes with whatever it has got meanwhile. */
function* removeConsumer(context: CommandContext, cursor: GroupCursor, owner: CursorOwner): Job<void> {
  const { pending } = cursor;
  const piece = new Piece();
  let settled = 0;
  for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
    if (pending.ownerOf(offset) === owner.id && cursor.settle(offset)) settled++;
    const due = piece.add(unitsOfSettled);
    if (due > 0) yield due;
  }
  // Another connection may have removed it in the meantime.
  if (cursor.ownerById(owner.id) === owner) {
    settled += cursor.removeOwner(owner);
    context.notify(keyEvents.xgroupDelConsumer, 2);
  }
  context.reply.integer(settled);
}

function xgroupHelp(context: CommandContext): void {
  writeHelp(context, [
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
  ]);
}
