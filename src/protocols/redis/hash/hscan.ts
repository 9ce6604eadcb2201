/**
 * HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
 *
 * A packed hash comes whole, as redis's listpacks do. The cursor of a large one is a hash of 32 bits: where in the order of
 * hashes to go on, so a field that is there throughout is met exactly once, and COUNT is exact but for fields of one hash.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { parseCursor, parseScanOptions, type ScanOptions } from "../keys/scan-options.ts";
import { findHash, hashesOf } from "./hash-key.ts";
import { ElementWalk, writeElement } from "../core/element-walk.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hscanCommand: CommandRow = {
  name: "hscan",
  arity: -3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "2.8.0",
  complexity: "O(1) a call, O(N) for all of N fields",
  summary: "Walks through the fields of a hash.",
  run: hscan,
};

const cursorsEnd = 2 ** 32;

function hscan(context: CommandContext): void {
  const { request, reply } = context;
  const cursor = parseCursor(request.latin1(2));
  const database = keysOf(context);
  const entry = findHash(context, database);
  if (entry === 0) {
    reply.array(2);
    reply.bulkLatin1("0");
    return reply.array(0);
  }
  const options = parseScanOptions(request, 3, "hash");
  if (!database.content.isLarge(entry)) return replyPacked(context, entry, options);
  const walk = new ElementWalk(database.content, entry);
  answerInSlices(context, (parts) => writeLarge(context, parts, walk, cursor, options));
}

function replyPacked(context: CommandContext, entry: number, { glob, hasNoValues }: ScanOptions): void {
  const { reply } = context;
  const hashes = hashesOf(context);
  const { content } = keysOf(context);
  const isWanted = (): boolean =>
    glob === null || glob.matches(hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
  let count = 0;
  hashes.begin(content, entry);
  while (hashes.next()) if (isWanted()) count += hasNoValues ? 1 : 2;
  reply.array(2);
  reply.bulkLatin1("0");
  reply.array(count);
  hashes.begin(content, entry);
  while (hashes.next()) {
    if (!isWanted()) continue;
    reply.bulk(hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
    if (!hasNoValues) reply.bulk(hashes.bytes, hashes.start, hashes.end);
  }
}

function* writeLarge(
  context: CommandContext,
  parts: PartedReply,
  walk: ElementWalk,
  cursor: number,
  { glob, count, hasNoValues }: ScanOptions,
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
      writeElement(context, table, ref, hasNoValues ? "fields" : "both");
      written += hasNoValues ? 1 : 2;
    });
  parts.closeList(list, written);
  parts.fill(head, (reply) => {
    reply.array(2);
    reply.bulkLatin1(cursor < cursorsEnd ? String(walk.cursor) : "0");
  });
}
