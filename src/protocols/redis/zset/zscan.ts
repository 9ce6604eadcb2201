/**
 * ZSCAN key cursor [MATCH pattern] [COUNT count]
 *
 * A packed sorted set comes whole and in its order, as redis's listpacks do. A large one is walked by hashes, as HSCAN does: what is
 * there throughout is met exactly once, and COUNT is exact but for members of one hash.
 */
import type { Job } from "../../../base/turn-work.ts";
import { beyondListpack } from "../../../keyspace/value-type.ts";
import { readScore } from "../../../keyspace/values/sorted/score-bytes.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { ElementWalk } from "../core/element-walk.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { parseCursor, parseScanOptions, type ScanOptions } from "../keys/scan-options.ts";
import { formatDouble } from "../wire/numbers.ts";
import { findSortedSet, isListpackInteger, sortedSetsOf } from "./sorted-set-key.ts";

export const zscanCommand: CommandRow = {
  name: "zscan",
  arity: -3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "2.8.0",
  complexity: "O(1) a call, O(N) for all of N members",
  summary: "Walks through the members of a sorted set.",
  run: zscan,
};

const cursorsEnd = 2 ** 32;

function zscan(context: CommandContext): void {
  const { request, reply } = context;
  const cursor = parseCursor(request.latin1(2));
  const database = keysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0) {
    reply.array(2);
    reply.bulkLatin1("0");
    return reply.array(0);
  }
  const options = parseScanOptions(request, 3, "members");
  const { content } = database;
  if (!content.isLarge(entry)) return replyPacked(context, entry, options);
  const { elements } = sortedSetsOf(context).largeOf(content, entry)!;
  const walk = new ElementWalk(content, entry, elements);
  answerInSlices(context, (parts) => writeLarge(context, parts, walk, cursor, options));
}

function textOf(score: number, isListpack: boolean): string {
  return isListpack && isListpackInteger(score) ? BigInt(score).toString() : formatDouble(score);
}

function replyPacked(context: CommandContext, entry: number, { glob }: ScanOptions): void {
  const { reply } = context;
  const sets = sortedSetsOf(context);
  const { content } = keysOf(context);
  const isListpack = (content.table.typeWord(entry) & beyondListpack) === 0;
  const isWanted = (): boolean => glob === null || glob.matches(sets.bytes, sets.start, sets.end);
  let count = 0;
  sets.seek(content, entry, 0);
  while (sets.next()) if (isWanted()) count += 2;
  reply.array(2);
  reply.bulkLatin1("0");
  reply.array(count);
  sets.seek(content, entry, 0);
  while (sets.next()) {
    if (!isWanted()) continue;
    reply.bulk(sets.bytes, sets.start, sets.end);
    reply.bulkLatin1(textOf(sets.score, isListpack));
  }
}

function* writeLarge(
  context: CommandContext,
  parts: PartedReply,
  walk: ElementWalk,
  cursor: number,
  { glob, count }: ScanOptions,
): Job<void> {
  const { reply } = context;
  const head = parts.openList();
  const list = parts.openList();
  const { table } = walk;
  let written = 0;
  walk.cursor = cursor;
  if (cursor < cursorsEnd)
    yield* walk.go(count, (ref) => {
      table.locateKey(ref);
      if (glob !== null && !glob.matches(table.bytes, table.start, table.end)) return;
      reply.bulk(table.bytes, table.start, table.end);
      table.locate(ref);
      reply.bulkLatin1(textOf(readScore(table.bytes, table.start), false));
      written += 2;
    });
  parts.closeList(list, written);
  parts.fill(head, (writer) => {
    writer.array(2);
    writer.bulkLatin1(cursor < cursorsEnd ? String(walk.cursor) : "0");
  });
}
