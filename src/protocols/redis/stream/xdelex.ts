/**
 * XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]
 *
 * For each id: 1 the entry is deleted, -1 there is none, 2 (ACKED) some group has not got or acknowledged it yet.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { LogReader } from "../../../storage/logs.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { answerForIds } from "./groups/few-ids.ts";
import { findStream } from "./find.ts";
import { strictIdArgument } from "./id.ts";
import {
  checkIds,
  deleteEntry,
  isReferenced,
  type ReferencedIds,
  referencesAndIds,
  unitsOfReferences,
} from "./references.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const xdelexCommand: CommandRow = {
  name: "xdelex",
  arity: -5,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "delete")],
  since: "8.2.0",
  complexity: "O(1) for each id",
  summary: "Removes entries of a stream, with or without what groups hold of them.",
  acts: ["removeEntries"],
  run: xdelex,
};

const id = new EntryId();

function xdelex(context: CommandContext): void {
  const wanted = referencesAndIds(context, 2);
  const queue = findStream(context, 1);
  if (queue !== undefined) checkIds(context, wanted);
  const ids = wanted.end - wanted.first;
  const units = ids * (queue === undefined ? 1 : unitsOfReferences(queue));
  answerForIds(context, { ids, units }, () => deleteEach(context, queue, wanted));
}

function* deleteEach(
  context: CommandContext,
  queue: Queue | undefined,
  { references, first, end }: ReferencedIds,
): Job<void> {
  const { request, reply } = context;
  const piece = new Piece();
  reply.array(end - first);
  let isChanged = false;
  for (let at = first; at < end; at++) {
    if (queue === undefined || queue.isDeleted) {
      reply.integer(-1);
      continue;
    }
    strictIdArgument(request, at, id);
    if (references === "acked" && isReferenced(queue, id)) reply.integer(2);
    else if (deleteEntry(queue, new LogReader(queue.log), id, references)) {
      isChanged = true;
      reply.integer(1);
    } else reply.integer(-1);
    const due = piece.add(unitsOfReferences(queue));
    if (due === 0) continue;
    if (isChanged) changed(context, queue);
    isChanged = false;
    yield due;
  }
  if (isChanged) changed(context, queue!);
}

function changed(context: CommandContext, { log }: Queue): void {
  log.metaChanged();
  context.keyChanged(1);
  context.notify(keyEvents.xdel, 1);
}
