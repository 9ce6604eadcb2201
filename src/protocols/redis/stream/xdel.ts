/** XDEL key id [id ...] */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { LogReader } from "../../../storage/logs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { strictIdArgument } from "./id.ts";
import { findEntry } from "./stream.ts";
import { findStream } from "./find.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const xdelCommand: CommandRow = {
  name: "xdel",
  arity: -3,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "delete")],
  since: "5.0.0",
  complexity: "O(1) for each id",
  summary: "Removes entries of a stream.",
  acts: ["removeEntries"],
  run: xdel,
};

const unitsOfDeleted = 1.5;
const id = new EntryId();

function xdel(context: CommandContext): void {
  const { request, reply } = context;
  const queue = findStream(context, 1);
  if (queue === undefined) return reply.integer(0);
  // All ids are checked before one is deleted.
  for (let at = 2; at < request.argumentCount; at++) strictIdArgument(request, at, id);
  const reader = new LogReader(queue.log);
  if (request.argumentCount > directItemsMax) {
    return answerInSlices(context, () => deleteEach(context, queue, reader));
  }
  let deleted = 0;
  try {
    for (let at = 2; at < request.argumentCount; at++) if (deleteOne(context, queue, reader, at)) deleted++;
  } finally {
    // Of entries that cannot be found now, those before are deleted all the same.
    if (deleted > 0) changed(context, queue);
  }
  if (deleted > 0) context.notify(keyEvents.xdel, 1);
  reply.integer(deleted);
}

function* deleteEach(context: CommandContext, queue: Queue, reader: LogReader): Job<void> {
  const piece = new Piece();
  let deleted = 0;
  let isChanged = false;
  try {
    for (let at = 2; at < context.request.argumentCount && !queue.isDeleted; at++) {
      if (deleteOne(context, queue, reader, at)) {
        deleted++;
        isChanged = true;
      }
      const due = piece.add(unitsOfDeleted);
      if (due === 0) continue;
      if (isChanged) changed(context, queue);
      isChanged = false;
      yield due;
    }
  } finally {
    if (isChanged) changed(context, queue);
  }
  if (deleted > 0) context.notify(keyEvents.xdel, 1);
  context.reply.integer(deleted);
}

function changed(context: CommandContext, { log }: Queue): void {
  log.metaChanged();
  context.keyChanged(1);
}

/** Whether the entry with the id in argument `at` was there. */
function deleteOne({ request }: CommandContext, queue: Queue, reader: LogReader, at: number): boolean {
  const { log } = queue;
  strictIdArgument(request, at, id);
  if (!findEntry(reader, id)) return false;
  queue.removeAt(reader.offset);
  if (id.compare(log.maxDeletedId) > 0) log.maxDeletedId.copyFrom(id);
  return true;
}
