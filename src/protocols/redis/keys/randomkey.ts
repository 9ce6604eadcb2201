/** RANDOMKEY: keys of the keyspace and streams alike. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "./key-access.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { seesString, streamsSeen } from "./visible-streams.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const randomkeyCommand: CommandRow = {
  name: "randomkey",
  arity: 1,
  flags: ["readonly"],
  tips: ["request_policy:all_shards", "nondeterministic_output"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Names some key at random.",
  run: randomkey,
};

const hashes = 2 ** 32;
/** So many keys are tried that somebody may not see before there is said to be none. */
const hiddenMax = 100;
const unitsOfLook = 0.2;
const unitsOfStreamPassed = 0.02;

function randomkey(context: CommandContext): void {
  answerInSlices(context, () => writeRandomKey(context));
}

function* writeRandomKey(context: CommandContext): Job<void> {
  const name = yield* randomName(context);
  if (name === null) context.reply.null();
  else context.reply.bulkLatin1(name);
}

/** Keys that are due are removed as they are met, which may be any number of them; and buckets may be empty. */
function* randomName(context: CommandContext): Job<string | null> {
  const { server } = context;
  const database = keysOf(context);
  const { random } = context.broker;
  const found: number[] = [];
  const piece = new Piece();
  const streams = yield* server.streamCounts.visible(context);
  let hidden = 0;
  while (hidden < hiddenMax && database.size > 0 && random.below(database.size + streams) < database.size) {
    // One of those that share the first bucket in use behind a random place.
    found.length = 0;
    let cursor = random.below(hashes);
    for (;;) {
      cursor = database.table.scan(cursor, found);
      if (found.length > 0) break;
      const due = piece.add(unitsOfLook);
      if (due > 0) yield due;
      if (database.size === 0) break;
    }
    if (found.length === 0) break;
    const entry = found[random.below(found.length)]!;
    if (!database.expireIfDue(entry)) {
      const { table } = database;
      table.locateKey(entry);
      const name = table.bytes.latin1Slice(table.start, table.end);
      if (seesString(context, name)) return name;
      hidden++;
    } else if (server.keyspace.keepsDue) hidden++;
    const due = piece.add(unitsOfLook);
    if (due > 0) yield due;
  }
  let left = streams === 0 ? -1 : random.below(streams);
  for (const stream of streamsSeen(context)) {
    if (stream !== null && left-- === 0) return stream.name;
    const due = piece.add(unitsOfStreamPassed);
    if (due > 0) yield due;
  }
  return null;
}
