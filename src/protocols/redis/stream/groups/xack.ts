/** XACK key group id [id ...] */
import { traceAcknowledged } from "./traced.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { findGroup } from "./groups.ts";
import { answerInSlices, directItemsMax } from "../../core/sliced-reply.ts";
import { strictIdArgument } from "../id.ts";
import { findStream } from "../find.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";

export const xackCommand: CommandRow = {
  name: "xack",
  arity: -4,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "update")],
  since: "5.0.0",
  complexity: "O(1) for each id",
  summary: "Acknowledges entries of a consumer group.",
  readsFirst: true,
  acts: ["settle"],
  run: xack,
};

const unitsOfAcknowledged = 0.5;
const id = new EntryId();
/** The ids of a command that acknowledges at once. */
const checkedIds = new Uint32Array(4 * directItemsMax);

function xack(context: CommandContext): void {
  const { request, reply } = context;
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) return reply.integer(0);
  const count = request.argumentCount;
  const isAtOnce = count - 3 <= directItemsMax;
  // All ids are checked before one is acknowledged.
  for (let at = 3; at < count; at++) {
    strictIdArgument(request, at, id);
    if (isAtOnce) id.writeWords(checkedIds, at - 3);
  }
  if (!isAtOnce) return answerInSlices(context, () => acknowledgeEach(context, cursor));
  let acknowledged = 0;
  for (let i = 0; i < count - 3; i++)
    if (acknowledge(context, cursor, id.readWords(checkedIds, i))) acknowledged++;
  reply.integer(acknowledged);
}

function* acknowledgeEach(context: CommandContext, cursor: GroupCursor): Job<void> {
  const piece = new Piece();
  let acknowledged = 0;
  for (let at = 3; at < context.request.argumentCount; at++) {
    if (acknowledge(context, cursor, strictIdArgument(context.request, at, id))) acknowledged++;
    const due = piece.add(unitsOfAcknowledged);
    if (due > 0) yield due;
  }
  context.reply.integer(acknowledged);
}

/** Whether the entry with that id was pending. */
function acknowledge(context: CommandContext, cursor: GroupCursor, acknowledgedId: EntryId): boolean {
  const offset = cursor.pending.findId(acknowledgedId);
  if (offset < 0 || !cursor.settle(offset)) return false;
  traceAcknowledged(context, cursor, offset);
  return true;
}
