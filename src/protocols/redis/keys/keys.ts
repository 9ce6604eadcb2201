/** KEYS pattern */
import { compileListGlob, type Glob } from "../../../base/patterns/glob.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "./key-access.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { seesString, streamsSeen } from "./visible-streams.ts";
import { writeNames } from "../core/write-names.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const keysCommand: CommandRow = {
  name: "keys",
  arity: 2,
  flags: ["readonly"],
  categories: ["keyspace", "dangerous"],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],
  since: "1.0.0",
  complexity: "O(N), N keys of the database",
  summary: "Lists the keys that match a pattern.",
  run: keys,
};

const unitsOfKey = 0.3;

function keys(context: CommandContext): void {
  const glob = compileListGlob(Buffer.from(context.request.view(1)));
  answerInSlices(context, () => writeMatching(context, glob));
}

function* writeMatching(context: CommandContext, glob: Glob | null): Job<void> {
  const database = keysOf(context);
  // A set: while the table grows or shrinks between two slices, a key may be met twice.
  const names = new Set<string>();
  const found: number[] = [];
  const piece = new Piece();
  let cursor = 0;
  do {
    const { table } = database;
    found.length = 0;
    cursor = table.scan(cursor, found);
    for (const entry of found) {
      table.locateKey(entry);
      if (glob !== null && !glob.matches(table.bytes, table.start, table.end)) continue;
      if (database.isDue(entry)) continue;
      const name = table.bytes.latin1Slice(table.start, table.end);
      if (seesString(context, name)) names.add(name);
    }
    const due = piece.add(unitsOfKey * (found.length + 1));
    if (due > 0) yield due;
  } while (cursor !== 0);
  for (const stream of streamsSeen(context)) {
    if (stream !== null && (glob === null || glob.matches(Buffer.from(stream.name, "latin1"))))
      names.add(stream.name);
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
  yield* writeNames(context, [...names]);
}
