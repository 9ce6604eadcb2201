/**
 * SSCAN key cursor [MATCH pattern] [COUNT count]
 *
 * A packed set and an intset come whole, as redis's intsets do. The cursor of another one is a hash of 32 bits, as HSCAN's.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { ElementWalk, writeElement } from "../core/element-walk.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { parseCursor, parseScanOptions, type ScanOptions } from "../keys/scan-options.ts";
import { eachBatch, type MemberBatch } from "./member-batch.ts";
import { findSet, setsOf } from "./set-key.ts";

export const sscanCommand: CommandRow = {
  name: "sscan",
  arity: -3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "2.8.0",
  complexity: "O(1) a call, O(N) for all of N members",
  summary: "Walks through the members of a set.",
  run: sscan,
};

const cursorsEnd = 2 ** 32;

function sscan(context: CommandContext): void {
  const { request, reply } = context;
  const cursor = parseCursor(request.latin1(2));
  const database = keysOf(context);
  const { content } = database;
  const entry = findSet(context, database, 1);
  if (entry === 0) {
    reply.array(2);
    reply.bulkLatin1("0");
    return reply.array(0);
  }
  const options = parseScanOptions(request, 3, "members");
  const sets = setsOf(context);
  if (!content.isLarge(entry) || sets.isIntset(content, entry))
    return finishNow(eachBatch(sets, content, entry, (batch) => writeWhole(context, batch, options)));
  const walk = new ElementWalk(content, entry);
  answerInSlices(context, (parts) => writeLarge(context, parts, walk, cursor, options));
}

function* writeWhole({ reply }: CommandContext, batch: MemberBatch, { glob }: ScanOptions): Job<boolean> {
  if (glob !== null) batch.retain((bytes, start, end) => glob.matches(bytes, start, end));
  reply.array(2);
  reply.bulkLatin1("0");
  reply.array(batch.count);
  batch.each((bytes, start, end) => reply.bulk(bytes, start, end));
  yield batch.count;
  return true;
}

function* writeLarge(
  context: CommandContext,
  parts: PartedReply,
  walk: ElementWalk,
  cursor: number,
  { glob, count }: ScanOptions,
): Job<void> {
  const head = parts.openList();
  const list = parts.openList();
  const { table } = walk;
  let written = 0;
  walk.cursor = cursor;
  if (cursor < cursorsEnd)
    yield* walk.go(count, (ref) => {
      table.locateKey(ref);
      if (glob !== null && !glob.matches(table.bytes, table.start, table.end)) return;
      writeElement(context, table, ref, "fields");
      written++;
    });
  parts.closeList(list, written);
  parts.fill(head, (reply) => {
    reply.array(2);
    reply.bulkLatin1(cursor < cursorsEnd ? String(walk.cursor) : "0");
  });
}
