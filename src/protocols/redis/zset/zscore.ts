/** ZSCORE key member, and ZMSCORE key member [member ...] */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findMember, findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";

export const zscoreCommands: readonly CommandRow[] = [
  {
    name: "zmscore",
    arity: -3,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "6.2.0",
    complexity: "O(N), N members asked for",
    summary: "Reads the scores of several members.",
    run: zmscore,
  },
  {
    name: "zscore",
    arity: 3,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "1.2.0",
    complexity: "O(1)",
    summary: "Reads the score of a member.",
    run: zscore,
  },
];

const unitsOfMember = 0.5;

function zscore(context: CommandContext): void {
  replyScore(context, findSortedSet(context, keysOf(context), 1), 2);
}

function replyScore(context: CommandContext, entry: number, index: number): void {
  if (findMember(context, keysOf(context), entry, index)) context.reply.double(sortedSetsOf(context).score);
  else context.reply.null();
}

function zmscore(context: CommandContext): void {
  const { argumentCount } = context.request;
  const entry = findSortedSet(context, keysOf(context), 1);
  if (argumentCount > directItemsMax) return answerInSlices(context, () => replyEach(context));
  context.reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++) replyScore(context, entry, index);
}

/** Between two slices the key may become another one's: it is looked up for each member. */
function* replyEach(context: CommandContext): Job<void> {
  const { argumentCount } = context.request;
  const piece = new Piece();
  context.reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++) {
    replyScore(context, findSortedSet(context, keysOf(context), 1), index);
    const due = piece.add(unitsOfMember);
    if (due > 0) yield due;
  }
}
