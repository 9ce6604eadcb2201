/** ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...], and ZINCRBY key increment member, which is its INCR. */
import type { CommandContext } from "../core/context.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { keysOf, writableKeysOf } from "../keys/key-access.ts";
import { findMember, findSortedSet, openSortedSet, scoreArgument, sortedSetsOf } from "./sorted-set-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const zaddCommands: readonly CommandRow[] = [
  {
    name: "zadd",
    arity: -4,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "1.2.0",
    complexity: "O(log(N)) for each member, N members",
    summary: "Adds members to a sorted set, or changes their scores.",
    makesValues: takesNewMembers,
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
    makesValues: true,
    run: (context) => add(context, true),
  },
];

const optionWords = ["NX", "GT", "LT", "CH", "INCR"];

/** Of ZADD and GEOADD: whether it makes a key, which it does not with XX among its options. */
export function takesNewMembers(request: RequestArguments): boolean {
  for (let index = 2; index < request.argumentCount; index++) {
    if (request.is(index, "XX")) return false;
    if (!optionWords.some((word) => request.is(index, word))) return true;
  }
  return true;
}

const capitalA = 0x41;
const keptScores = 1024;
let scores = new Float64Array(16);

/** Where the scores of the command at work go, before anything is changed. */
export function scoresFor(count: number): Float64Array {
  if (count > scores.length || scores.length > Math.max(count, keptScores)) scores = new Float64Array(count);
  return scores;
}

export interface AddOptions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  ch: boolean;
  incr: boolean;
}

export const noAddOptions: Readonly<AddOptions> = {
  nx: false,
  xx: false,
  gt: false,
  lt: false,
  ch: false,
  incr: false,
};

/** Those of the command at work. */
const given: AddOptions = { ...noAddOptions };

/** Returns the first argument that is no option. */
function parseOptions({ request }: CommandContext): number {
  given.nx = given.xx = given.gt = given.lt = given.ch = given.incr = false;
  let index = 2;
  for (; index < request.argumentCount; index++) {
    // A digit or a sign begins no option.
    if (request.buffer[request.starts[index]!]! < capitalA) break;
    if (request.is(index, "NX")) given.nx = true;
    else if (request.is(index, "XX")) given.xx = true;
    else if (request.is(index, "GT")) given.gt = true;
    else if (request.is(index, "LT")) given.lt = true;
    else if (request.is(index, "CH")) given.ch = true;
    else if (request.is(index, "INCR")) given.incr = true;
    else break;
  }
  return index;
}

function assertOptions({ nx, xx, gt, lt, incr }: AddOptions, left: number): void {
  if (left === 0 || left % 2 !== 0) throw syntaxError();
  if (nx && xx) throw new RedisError("ERR XX and NX options at the same time are not compatible");
  if ((nx && (gt || lt)) || (gt && lt))
    throw new RedisError("ERR GT, LT, and/or NX options at the same time are not compatible");
  if (incr && left > 2) throw new RedisError("ERR INCR option supports a single increment-element pair");
}

function add(context: CommandContext, isIncrement: boolean): void {
  const { argumentCount } = context.request;
  const first = parseOptions(context);
  if (isIncrement) given.incr = true;
  assertOptions(given, argumentCount - first);
  const count = (argumentCount - first) >> 1;
  const places = scoresFor(count);
  for (let i = 0; i < count; i++) places[i] = scoreArgument(context, first + 2 * i);
  addMembers(context, given, { count, first: first + 1, stride: 2 });
}

/** Adds the members in every `stride`-th argument from `first` on, with the scores that stand in `scoresFor(count)`, and replies. */
export function addMembers(
  context: CommandContext,
  options: AddOptions,
  { count, first, stride }: { readonly count: number; readonly first: number; readonly stride: number },
): void {
  const { reply } = context;
  const { xx, ch, incr } = options;
  const database = writableKeysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0 && xx) return incr ? reply.null() : reply.integer(0);
  openSortedSet(context, database, entry);
  let added = 0;
  let updated = 0;
  let isDone = false;
  try {
    for (let i = 0; i < count; i++) {
      const done = addOne(context, options, first + stride * i, scores[i]!);
      if (done !== "nothing") isDone = true;
      if (done === "added") added++;
      else if (done === "updated") updated++;
    }
  } finally {
    database.sortedSet.close();
  }
  if (added + updated > 0) context.notify(incr ? keyEvents.zincr : keyEvents.zadd, 1);
  if (!incr) reply.integer(ch ? added + updated : added);
  else if (isDone) reply.double(sum);
  else reply.null();
}

/** The score that `addOne` has given. */
let sum = 0;

/** `same`: the member had that score already. Throws where the sum is no number. */
function addOne(
  context: CommandContext,
  { nx, xx, gt, lt, incr }: AddOptions,
  index: number,
  score: number,
): "nothing" | "same" | "added" | "updated" {
  const { buffer, starts, ends } = context.request;
  const database = keysOf(context);
  const changes = database.sortedSet;
  const isThere = findMember(context, database, changes.entry, index);
  if (isThere ? nx : xx) return "nothing";
  sum = score;
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
