/** ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX key min max. Many members go in slices. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf, writableKeysOf } from "../keys/key-access.ts";
import { RangeWalk } from "./range-walk.ts";
import { type RangeKind, simpleRange } from "./range.ts";
import { findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";
import { type KeyEvent, keyEvents } from "../notifications/key-events.ts";

export const zremrangeCommands: readonly CommandRow[] = [
  {
    name: "zremrangebylex",
    arity: 4,
    flags: ["write"],
    keys: [oneKey(1, "RW", "delete")],
    since: "2.8.9",
    complexity: "O(log(N)+M), N members, M removed",
    summary: "Removes the members in a range of names.",
    run: (context) => removeRange(context, "name"),
  },
  {
    name: "zremrangebyrank",
    arity: 4,
    flags: ["write"],
    keys: [oneKey(1, "RW", "delete")],
    since: "2.0.0",
    complexity: "O(log(N)+M), N members, M removed",
    summary: "Removes the members in a range of ranks.",
    run: (context) => removeRange(context, "rank"),
  },
  {
    name: "zremrangebyscore",
    arity: 4,
    flags: ["write"],
    keys: [oneKey(1, "RW", "delete")],
    since: "1.2.0",
    complexity: "O(log(N)+M), N members, M removed",
    summary: "Removes the members with a score in a range.",
    run: (context) => removeRange(context, "score"),
  },
];

const membersAtOnce = 64;
const unitsOfRemoval = 2;
const eventsOf: Readonly<Record<RangeKind, KeyEvent>> = {
  rank: keyEvents.zremrangebyrank,
  score: keyEvents.zremrangebyscore,
  name: keyEvents.zremrangebylex,
};

function removeRange(context: CommandContext, kind: RangeKind): void {
  const range = simpleRange(context, kind);
  const database = writableKeysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0) return context.reply.integer(0);
  const { content } = database;
  const sets = sortedSetsOf(context);
  range.resolve(sets, content, entry);
  const { first, count } = range;
  if (count > directItemsMax)
    return answerInSlices(context, () => removeInSlices(context, kind), { isWhole: true });
  if (count > 0) {
    removeFrom(context, database, entry, first, count);
    context.notifyTaken(eventsOf[kind], 1, database.sortedSet.isGone);
  }
  context.reply.integer(count);
}

/** Removes `count` members from that rank on. */
function removeFrom(
  context: CommandContext,
  database: Database,
  entry: number,
  first: number,
  count: number,
): void {
  const sets = sortedSetsOf(context);
  const changes = database.sortedSet;
  changes.open(entry);
  try {
    for (let left = count; left > 0; left--) {
      sets.seek(database.content, changes.entry, first);
      sets.next();
      changes.removeFound();
    }
  } finally {
    changes.close();
  }
}

/** The job may begin in a later turn: the range is looked up then. */
function* removeInSlices(context: CommandContext, kind: RangeKind): Job<void> {
  const range = simpleRange(context, kind);
  const { content } = keysOf(context);
  const entry = findSortedSet(context, keysOf(context), 1);
  if (entry !== 0) range.resolve(sortedSetsOf(context), content, entry);
  const { first, count } = range;
  let removed = 0;
  if (entry !== 0 && count > 0) {
    if (content.isLarge(entry)) removed = yield* removeLarge(context, entry, first, count);
    else {
      removeFrom(context, keysOf(context), entry, first, count);
      removed = count;
    }
  }
  if (removed > 0) context.notifyTaken(eventsOf[kind], 1, keysOf(context).sortedSet.isGone);
  context.reply.integer(removed);
}

/** Nobody else changes the set meanwhile, so the next to go always stands at the same rank. */
function* removeLarge(context: CommandContext, found: number, first: number, count: number): Job<number> {
  const database = keysOf(context);
  const walk = new RangeWalk(sortedSetsOf(context), database.content, found);
  let removed = 0;
  while (removed < count) {
    const now = Math.min(membersAtOnce, count - removed);
    removeFrom(context, database, walk.entryIn(database.content), first, now);
    removed += now;
    yield now * unitsOfRemoval;
  }
  return removed;
}
