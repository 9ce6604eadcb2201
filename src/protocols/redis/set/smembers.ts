/** SMEMBERS key. A packed set is answered at once, a large one in slices. */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSet, setsOf } from "./set-key.ts";
import { answerMembers, writeMembers } from "./set-reply.ts";

export const smembersCommand: CommandRow = {
  name: "smembers",
  arity: 2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output_order"],
  since: "1.0.0",
  complexity: "O(N), N members",
  summary: "Lists the members of a set.",
  run: smembers,
};

function smembers(context: CommandContext): void {
  const { reply } = context;
  const database = keysOf(context);
  const { content } = database;
  const entry = findSet(context, database, 1);
  if (entry === 0) return reply.set(0);
  if (content.isLarge(entry)) return answerMembers(context, false, () => writeSet(context));
  const sets = setsOf(context);
  reply.set(sets.count(content, entry));
  sets.begin(content, entry);
  while (sets.next()) reply.bulk(sets.bytes, sets.start, sets.end);
}

/** The job may begin in a later turn, so it looks for the set itself. */
function* writeSet(context: CommandContext): Job<number> {
  const database = keysOf(context);
  const entry = findSet(context, database, 1);
  return entry === 0 ? 0 : yield* writeMembers(context, database.content, entry);
}
