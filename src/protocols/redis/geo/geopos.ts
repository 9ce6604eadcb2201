/** GEOPOS and GEOHASH key [member ...], GEODIST key member1 member2 [unit]: what is known of members. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { syntaxError } from "../core/errors.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findMember, findSortedSet, sortedSetsOf } from "../zset/sorted-set-key.ts";
import { distanceOf, geohashOf, positionOf } from "./coordinates.ts";
import { replyDistance, replyPosition, unitArgument } from "./geo-arguments.ts";

export const geodistCommand: CommandRow = {
  name: "geodist",
  arity: -4,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "3.2.0",
  complexity: "O(log(N)), N members",
  summary: "Tells the distance between two members.",
  run: geodist,
};

export const geohashCommand: CommandRow = {
  name: "geohash",
  arity: -2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "3.2.0",
  complexity: "O(log(N)) for each member, N members",
  summary: "Gives positions as geohash text.",
  run: (context) => replyAll(context, replyHash),
};

export const geoposCommand: CommandRow = {
  name: "geopos",
  arity: -2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "3.2.0",
  complexity: "O(N), N members asked for",
  summary: "Gives longitude and latitude of members.",
  run: (context) => replyAll(context, replyPlace),
};

const unitsOfMember = 1.5;

/** Null where there is no such member. */
type ReplyOne = (context: CommandContext, score: number | null) => void;

function replyHash(context: CommandContext, score: number | null): void {
  if (score === null) context.reply.null();
  else context.reply.bulkLatin1(geohashOf(score));
}

function replyPlace(context: CommandContext, score: number | null): void {
  if (score === null) context.reply.nullArray();
  else replyPosition(context, positionOf(score));
}

function replyAll(context: CommandContext, replyOne: ReplyOne): void {
  const { argumentCount } = context.request;
  // It has to be of the type, though no member is asked for.
  const entry = findSortedSet(context, keysOf(context), 1);
  if (argumentCount > directItemsMax) return answerInSlices(context, () => replyEach(context, replyOne));
  context.reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++) replyOne(context, scoreAt(context, entry, index));
}

function scoreAt(context: CommandContext, entry: number, index: number): number | null {
  return findMember(context, keysOf(context), entry, index) ? sortedSetsOf(context).score : null;
}

/** Between two slices the key may become another one's: it is looked up for each member. */
function* replyEach(context: CommandContext, replyOne: ReplyOne): Job<void> {
  const { argumentCount } = context.request;
  const piece = new Piece();
  context.reply.array(argumentCount - 2);
  for (let index = 2; index < argumentCount; index++) {
    replyOne(context, scoreAt(context, findSortedSet(context, keysOf(context), 1), index));
    const due = piece.add(unitsOfMember);
    if (due > 0) yield due;
  }
}

function geodist(context: CommandContext): void {
  const { request, reply } = context;
  const { argumentCount } = request;
  if (argumentCount > 5) throw syntaxError();
  const unit = argumentCount === 5 ? unitArgument(context, 4) : 1;
  const entry = findSortedSet(context, keysOf(context), 1);
  const one = scoreAt(context, entry, 2);
  const other = scoreAt(context, entry, 3);
  if (one === null || other === null) return reply.null();
  replyDistance(context, distanceOf(positionOf(one), positionOf(other)) / unit);
}
