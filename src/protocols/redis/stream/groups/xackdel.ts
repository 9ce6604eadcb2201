/**
 * XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]
 *
 * For each id: -1 it is not pending in the group; else it is acknowledged there, and 1 the entry is deleted, 2 (ACKED) some other
 * group has not got or acknowledged it yet.
 */
import { traceAcknowledged } from "./traced.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import type { Queue } from "../../../../broker/queue/queue.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import { LogReader } from "../../../../storage/logs.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { findStream } from "../find.ts";
import { strictIdArgument } from "../id.ts";
import {
  checkIds,
  deleteEntry,
  isReferenced,
  type ReferencedIds,
  referencesAndIds,
  unitsOfReferences,
} from "../references.ts";
import { answerForIds } from "./few-ids.ts";
import { findGroup } from "./groups.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const xackdelCommand: CommandRow = {
  name: "xackdel",
  arity: -6,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "update", "delete")],
  since: "8.2.0",
  complexity: "O(1) for each id",
  summary: "Acknowledges entries of a consumer group and removes them.",
  acts: ["settle", "removeEntries"],
  run: xackdel,
};

const id = new EntryId();

function xackdel(context: CommandContext): void {
  const wanted = referencesAndIds(context, 3);
  const queue = findStream(context, 1);
  const cursor = findGroup(context, queue, 2);
  if (cursor !== undefined) checkIds(context, wanted);
  const ids = wanted.end - wanted.first;
  const units = ids * (queue === undefined ? 1 : unitsOfReferences(queue));
  answerForIds(context, { ids, units }, () => settleEach(context, queue, cursor, wanted));
}

function* settleEach(
  context: CommandContext,
  queue: Queue | undefined,
  cursor: GroupCursor | undefined,
  { references, first, end }: ReferencedIds,
): Job<void> {
  const { request, reply } = context;
  const piece = new Piece();
  reply.array(end - first);
  let isChanged = false;
  for (let at = first; at < end; at++) {
    if (queue === undefined || cursor === undefined || queue.isDeleted) {
      reply.integer(-1);
      continue;
    }
    strictIdArgument(request, at, id);
    const offset = cursor.pending.findId(id);
    const isSettled = offset >= 0 && cursor.settle(offset);
    if (isSettled) traceAcknowledged(context, cursor, offset);
    if (!isSettled) reply.integer(-1);
    else if (references === "acked" && isReferenced(queue, id)) reply.integer(2);
    else {
      if (deleteEntry(queue, new LogReader(queue.log), id, references)) {
        queue.log.metaChanged();
        context.keyChanged(1);
        isChanged = true;
      }
      reply.integer(1);
    }
    const due = piece.add(unitsOfReferences(queue));
    if (due > 0) yield due;
  }
  if (isChanged) context.notify(keyEvents.xdel, 1);
}
