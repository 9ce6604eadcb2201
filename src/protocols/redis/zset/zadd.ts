/** ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...], and ZINCRBY key increment member, which is its INCR. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { keysOf, writableKeysOf } from "../keys/key-access.ts";
import { findMember, findSortedSet, openSortedSet, scoreArgument, sortedSetsOf } from "./sorted-set-key.ts";

export const zaddCommands: readonly CommandRow[] = [
  {
    name: "zadd",
    arity: -4,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "1.2.0",
    complexity: "O(log(N)) for each member, N members",
    summary: "Adds members to a sorted set, or changes their scores.",
    run: (context) => add(context, false),
  },
  {
    name: "zincrby",
    arity: 4,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "access", "update")],
    since: "1.2.0",
    complexity: "O(log(N)), N members",
    summary: "Adds to the score of a member.",
    run: (context) => add(context, true),
  },
];

const keptScores = 1024;
let scores = new Float64Array(16);

/** Options of the command at work. */
const options = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: false };

/** Returns the first argument that is no option. */
function parseOptions({ request }: CommandContext): number {
  options.nx = options.xx = options.gt = options.lt = options.ch = options.incr = false;
  let index = 2;
  for (; index < request.argumentCount; index++) {
    // A digit or a sign begins no option.
    const first = request.buffer[request.starts[index]!]!;
    if (first < 0x41) break;
    if (request.is(index, "NX")) options.nx = true;
    else if (request.is(index, "XX")) options.xx = true;
    else if (request.is(index, "GT")) options.gt = true;
    else if (request.is(index, "LT")) options.lt = true;
    else if (request.is(index, "CH")) options.ch = true;
    else if (request.is(index, "INCR")) options.incr = true;
    else break;
  }
  return index;
}

function assertOptions(first: number, argumentCount: number): void {
  const { nx, xx, gt, lt, incr } = options;
  const rest = argumentCount - first;
  if (rest === 0 || rest % 2 !== 0) throw syntaxError();
  if (nx && xx) throw new RedisError("ERR XX and NX options at the same time are not compatible");
  if ((nx && (gt || lt)) || (gt && lt))
    throw new RedisError("ERR GT, LT, and/or NX options at the same time are not compatible");
  if (incr && rest > 2) throw new RedisError("ERR INCR option supports a single increment-element pair");
}

function add(context: CommandContext, isIncrement: boolean): void {
  const { request, reply } = context;
  const { argumentCount } = request;
  const first = parseOptions(context);
  if (isIncrement) options.incr = true;
  assertOptions(first, argumentCount);
  const count = (argumentCount - first) >> 1;
  if (count > scores.length || scores.length > Math.max(count, keptScores)) scores = new Float64Array(count);
  for (let i = 0; i < count; i++) scores[i] = scoreArgument(context, first + 2 * i);
  const database = writableKeysOf(context);
  const entry = findSortedSet(context, database, 1);
  const { xx, ch, incr } = options;
  if (entry === 0 && xx) return incr ? reply.null() : reply.integer(0);
  openSortedSet(context, database, entry);
  let added = 0;
  let updated = 0;
  let isDone = false;
  try {
    for (let i = 0; i < count; i++) {
      const done = addOne(context, first + 2 * i + 1, scores[i]!);
      if (done !== "nothing") isDone = true;
      if (done === "added") added++;
      else if (done === "updated") updated++;
    }
  } finally {
    database.sortedSet.close();
  }
  if (!incr) reply.integer(ch ? added + updated : added);
  else if (isDone) reply.double(sum);
  else reply.null();
}

/** The score that `addOne` has given. */
let sum = 0;

/** `same`: the member had that score already. Throws where the sum is no number. */
function addOne(
  context: CommandContext,
  index: number,
  given: number,
): "nothing" | "same" | "added" | "updated" {
  const { buffer, starts, ends } = context.request;
  const database = keysOf(context);
  const changes = database.sortedSet;
  const { nx, xx, gt, lt, incr } = options;
  const isThere = findMember(context, database, changes.entry, index);
  if (isThere ? nx : xx) return "nothing";
  sum = given;
  if (isThere) {
    const before = sortedSetsOf(context).score;
    if (incr) sum += before;
    if (Number.isNaN(sum)) throw new RedisError("ERR resulting score is not a number (NaN)");
    if ((lt && sum >= before) || (gt && sum <= before)) return "nothing";
    if (sum === before) return "same";
  }
  changes.set(sum, buffer, starts[index]!, ends[index]!);
  return isThere ? "updated" : "added";
}
