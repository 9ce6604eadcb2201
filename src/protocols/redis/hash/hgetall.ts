/** HGETALL, HKEYS and HVALS key. A packed hash is answered at once, a large one in slices. */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findHash, hashesOf } from "./hash-key.ts";
import { type FieldParts, ElementWalk, writeElement } from "../core/element-walk.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hgetallCommands: readonly CommandRow[] = [
  {
    name: "hgetall",
    arity: 2,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    since: "2.0.0",
    complexity: "O(N), N fields of the hash",
    summary: "Reads all fields and values of a hash.",
    run: hgetall,
  },
  {
    name: "hkeys",
    arity: 2,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    since: "2.0.0",
    complexity: "O(N), N fields of the hash",
    summary: "Lists the fields of a hash.",
    run: hkeys,
  },
  {
    name: "hvals",
    arity: 2,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    since: "2.0.0",
    complexity: "O(N), N fields of the hash",
    summary: "Lists the values of a hash.",
    run: hvals,
  },
];

function hgetall(context: CommandContext): void {
  replyAll(context, "both");
}

function hkeys(context: CommandContext): void {
  replyAll(context, "fields");
}

function hvals(context: CommandContext): void {
  replyAll(context, "values");
}

function replyAll(context: CommandContext, parts: FieldParts): void {
  const database = keysOf(context);
  const { content } = database;
  const entry = findHash(context, database);
  if (entry !== 0 && content.isLarge(entry)) {
    const walk = new ElementWalk(content, entry);
    return answerInSlices(context, (reply) => writeLarge(context, reply, walk, parts));
  }
  const hashes = hashesOf(context);
  const count = entry === 0 ? 0 : hashes.count(content, entry);
  if (parts === "both") context.reply.map(count);
  else context.reply.array(count);
  if (entry !== 0) writePacked(context, entry, parts);
}

/** The fields of a packed hash, without the header of a list. */
function writePacked(context: CommandContext, entry: number, parts: FieldParts): void {
  const { reply } = context;
  const hashes = hashesOf(context);
  hashes.begin(keysOf(context).content, entry);
  while (hashes.next()) {
    if (parts !== "values") reply.bulk(hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
    if (parts !== "fields") reply.bulk(hashes.bytes, hashes.start, hashes.end);
  }
}

function* writeLarge(
  context: CommandContext,
  reply: PartedReply,
  walk: ElementWalk,
  parts: FieldParts,
): Job<void> {
  const list = reply.openList();
  let count = 0;
  yield* walk.go(Infinity, (ref) => {
    writeElement(context, walk.table, ref, parts);
    count++;
  });
  reply.closeList(list, count, parts === "both" ? "map" : "array");
}
