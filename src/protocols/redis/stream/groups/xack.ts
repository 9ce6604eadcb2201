/** XACK key group id [id ...] */
import type { Job } from "../../../../base/turn-work.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { findGroup } from "./groups.ts";
import { answerInSlices, directItemsMax, Piece } from "../../core/sliced-reply.ts";
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
  run: xack,
};

const unitsOfAcknowledged = 0.5;
const id = new EntryId();

function xack(context: CommandContext): void {
  const { request, reply } = context;
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) return reply.integer(0);
  // All ids are checked before one is acknowledged.
  const count = request.argumentCount;
  if (count > 4) for (let at = 3; at < count; at++) strictIdArgument(request, at, id);
  if (count > directItemsMax) return answerInSlices(context, () => acknowledgeEach(context, cursor));
  let acknowledged = 0;
  for (let at = 3; at < count; at++) if (acknowledge(context, cursor, at)) acknowledged++;
  reply.integer(acknowledged);
}

function* acknowledgeEach(context: CommandContext, cursor: GroupCursor): Job<void> {
  const piece = new Piece();
  let acknowledged = 0;
  for (let at = 3; at < context.request.argumentCount; at++) {
    if (acknowledge(context, cursor, at)) acknowledged++;
    const due = piece.add(unitsOfAcknowledged);
    if (due > 0) yield due;
  }
  context.reply.integer(acknowledged);
}

/** Whether the entry with the id in argument `at` was pending. */
function acknowledge({ request }: CommandContext, cursor: GroupCursor, at: number): boolean {
  strictIdArgument(request, at, id);
  const offset = cursor.pending.findId(id);
  return offset >= 0 && cursor.settle(offset);
}
