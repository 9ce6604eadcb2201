/** HMGET key field [field ...] */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directBytesMax, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash, replyField } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hmgetCommand: CommandRow = {
  name: "hmget",
  arity: -3,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO", "access")],
  since: "2.0.0",
  complexity: "O(N), N fields asked for",
  summary: "Reads several fields of a hash.",
  run: hmget,
};

const unitsOfField = 0.3;

function hmget(context: CommandContext): void {
  const { argumentCount } = context.request;
  const database = keysOf(context);
  const entry = findHash(context, database);
  const { reply } = context;
  const { out } = reply;
  const before = out.length;
  let isLong = argumentCount > directItemsMax;
  if (!isLong) reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount && !isLong; index++) {
    isLong = out.length - before > directBytesMax;
    if (!isLong) replyField(context, findField(context, database, entry, index));
  }
  if (!isLong) return;
  out.length = before;
  answerInSlices(context, (parts) => writeEach(context, parts));
}

/** Between two slices the key may become another one's: it is looked up for each field. */
function* writeEach(context: CommandContext, parts: PartedReply): Job<void> {
  const { argumentCount } = context.request;
  const database = keysOf(context);
  const piece = new Piece();
  context.reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++) {
    const before = parts.bytes;
    replyField(context, findField(context, database, findHash(context, database), index));
    const due = piece.add(unitsOfField + unitsOfBytes(parts.bytes - before));
    if (due > 0) yield due;
  }
}
