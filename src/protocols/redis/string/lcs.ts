/**
 * LCS key1 key2 [LEN | IDX [MINMATCHLEN length] [WITHMATCHLEN]]: the longest subsequence that two strings have in common.
 *
 * The work is N*M, in slices, over copies of the strings, whose places in memory may move. Where several subsequences are the
 * longest, or there are several ways to place one, it is the one that redis takes.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { findEntry, keysOf, streamAt } from "../keys/key-access.ts";
import { lookedUp } from "../notifications/lookups.ts";
import { CommonSubsequence, type MatchedRange } from "./common-subsequence.ts";
import { stringBytesMax } from "./string-size.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const lcsCommand: CommandRow = {
  name: "lcs",
  arity: -3,
  flags: ["readonly"],
  keys: [keyRange(1, 1, 1, "RO", "access")],
  since: "7.0.0",
  complexity: "O(N*M), N and M bytes of the two strings",
  summary: "Finds the longest common subsequence of two strings.",
  run: lcs,
};

/** What redis takes for each pair of bytes. Ours takes a bit, but the bound is the same. */
const redisCellBytes = 4;

/** Stands for an entry. */
const notString = -1;

interface Options {
  wantsLength: boolean;
  wantsRanges: boolean;
  rangeSizeMin: number;
  hasSizes: boolean;
}

function lcs(context: CommandContext): void {
  const database = keysOf(context);
  // Redis looks both up before it complains of one.
  const entries = [stringAt(context, database, 1), stringAt(context, database, 2)] as const;
  if (entries.includes(notString)) throw new RedisError("ERR The specified keys must contain string values");
  const options = parse(context);
  const [size, otherSize] = entries.map((entry) => (entry === 0 ? 0 : database.table.valueLength(entry)));
  // Before the strings are copied.
  if ((size! + 1) * (otherSize! + 1) * redisCellBytes > stringBytesMax)
    throw new RedisError("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  const [one, other] = entries.map((entry) => copyOf(database, entry));
  answerInSlices(context, (parts) => answer(context, parts, new CommonSubsequence(one!, other!), options));
}

/** The entry of a string, or 0, or `notString`. */
function stringAt(context: CommandContext, database: Database, index: number): number {
  const entry = findEntry(context, database, index);
  const isThere = entry !== 0 || streamAt(context, index, database) !== undefined;
  lookedUp(context, index, database.number, isThere);
  if (isThere && (entry === 0 || database.table.type(entry) !== valueType.string)) return notString;
  return entry;
}

/** A key that is not there is an empty string. */
function copyOf({ table }: Database, entry: number): Buffer {
  if (entry === 0) return Buffer.alloc(0);
  table.locate(entry);
  return Buffer.from(table.bytes.subarray(table.start, table.end));
}

function parse({ request }: CommandContext): Options {
  const options: Options = { wantsLength: false, wantsRanges: false, rangeSizeMin: 0, hasSizes: false };
  for (let index = 3; index < request.argumentCount; index++) {
    if (request.is(index, "IDX")) options.wantsRanges = true;
    else if (request.is(index, "LEN")) options.wantsLength = true;
    else if (request.is(index, "WITHMATCHLEN")) options.hasSizes = true;
    else if (request.is(index, "MINMATCHLEN") && index + 1 < request.argumentCount) {
      options.rangeSizeMin = request.integer(++index);
      if (Number.isNaN(options.rangeSizeMin)) throw new RedisError(errorTexts.notInteger);
    } else throw syntaxError();
  }
  if (options.wantsRanges && options.wantsLength)
    throw new RedisError("ERR If you want both the length and indexes, please just use IDX.");
  return options;
}

function* answer(
  context: CommandContext,
  parts: PartedReply,
  common: CommonSubsequence,
  options: Options,
): Job<void> {
  const { reply } = context;
  yield* common.measure(!options.wantsLength);
  if (options.wantsLength) reply.integer(common.length);
  else if (options.wantsRanges) yield* answerRanges(context, parts, common, options);
  else {
    yield* common.walk(() => {});
    reply.bulk(common.text);
  }
}

function* answerRanges(
  context: CommandContext,
  parts: PartedReply,
  common: CommonSubsequence,
  { rangeSizeMin, hasSizes }: Options,
): Job<void> {
  const { reply } = context;
  reply.map(2);
  reply.bulkLatin1("matches");
  const list = parts.openList();
  let count = 0;
  yield* common.walk((range) => {
    if (range.end - range.start < rangeSizeMin) return;
    writeRange(context, range, hasSizes);
    count++;
  });
  parts.closeList(list, count);
  reply.bulkLatin1("len");
  reply.integer(common.length);
}

function writeRange(
  { reply }: CommandContext,
  { start, end, otherStart }: MatchedRange,
  hasSize: boolean,
): void {
  reply.array(hasSize ? 3 : 2);
  for (const from of [start, otherStart]) {
    reply.array(2);
    reply.integer(from);
    reply.integer(from + end - start - 1);
  }
  if (hasSize) reply.integer(end - start);
}
