/** SISMEMBER key member      SMISMEMBER key member [member ...] */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSet, hasMember } from "./set-key.ts";

export const sismemberCommands: readonly CommandRow[] = [
  {
    name: "sismember",
    arity: 3,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Tells whether a set has a member.",
    run: sismember,
  },
  {
    name: "smismember",
    arity: -3,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "6.2.0",
    complexity: "O(N), N members asked for",
    summary: "Tells which of several members a set has.",
    run: smismember,
  },
];

const unitsOfMember = 0.3;

function sismember(context: CommandContext): void {
  const database = keysOf(context);
  context.reply.integer(hasMember(context, database, findSet(context, database, 1), 2) ? 1 : 0);
}

function smismember(context: CommandContext): void {
  const { reply, request } = context;
  const { argumentCount } = request;
  if (argumentCount > directItemsMax) return answerInSlices(context, () => replyEach(context));
  const database = keysOf(context);
  const entry = findSet(context, database, 1);
  reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++)
    reply.integer(hasMember(context, database, entry, index) ? 1 : 0);
}

/** Between two slices the key may become another one's: it is looked up for each member. */
function* replyEach(context: CommandContext): Job<void> {
  const { argumentCount } = context.request;
  const piece = new Piece();
  context.reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++) {
    const database = keysOf(context);
    context.reply.integer(hasMember(context, database, findSet(context, database, 1), index) ? 1 : 0);
    const due = piece.add(unitsOfMember);
    if (due > 0) yield due;
  }
}
