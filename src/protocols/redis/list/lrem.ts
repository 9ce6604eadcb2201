/** LREM key count element. A large list is gone through in slices. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf, writableKeysOf } from "../keys/key-access.ts";
import { findList, integerArgument, listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const lremCommand: CommandRow = {
  name: "lrem",
  arity: 4,
  flags: ["write"],
  keys: [oneKey(1, "RW", "delete")],
  since: "1.0.0",
  complexity: "O(N+M), N elements of the list, M removed",
  summary: "Removes elements that equal a value.",
  run: lrem,
};

function lrem(context: CommandContext): void {
  const wanted = integerArgument(context, 2);
  const database = writableKeysOf(context);
  const entry = findList(context, database, 1);
  if (entry === 0) return context.reply.integer(0);
  if (database.content.isLarge(entry))
    return answerInSlices(context, () => removeFromLarge(context), { isWhole: true });
  context.reply.integer(removeFromPacked(context, database, entry, wanted));
}

function removeFromPacked(
  context: CommandContext,
  database: Database,
  entry: number,
  wanted: number,
): number {
  const { buffer, starts, ends } = context.request;
  const { content, list } = database;
  const lists = listsOf(context);
  const found: number[] = [];
  lists.begin(content, entry, 0);
  for (let index = 0; lists.next(); index++)
    if (lists.equals(buffer, starts[3]!, ends[3]!)) found.push(index);
  const runs = runsOf(chosen(found, wanted));
  list.open(entry);
  try {
    for (const { index, count } of runs) list.removePacked(index, count);
  } finally {
    list.close();
  }
  if (runs.length > 0) context.notifyTaken(keyEvents.lrem, 1, list.isGone);
  return countOf(runs);
}

/** Of the places of equal elements, the first ones or, if negative, the last ones; 0: all. */
function chosen(found: readonly number[], wanted: number): readonly number[] {
  if (wanted === 0 || Math.abs(wanted) >= found.length) return found;
  return wanted > 0 ? found.slice(0, wanted) : found.slice(wanted);
}

interface Run {
  readonly index: number;
  readonly count: number;
}

/** Places that follow each other, from the last to the first, so that removing one does not move the others. */
function runsOf(places: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let i = places.length - 1; i >= 0;) {
    let first = i;
    while (first > 0 && places[first - 1] === places[first]! - 1) first--;
    runs.push({ index: places[first]!, count: i - first + 1 });
    i = first - 1;
  }
  return runs;
}

function countOf(runs: readonly Run[]): number {
  let total = 0;
  for (const { count } of runs) total += count;
  return total;
}

/** The job may begin in a later turn, so it looks for the list itself. */
function* removeFromLarge(context: CommandContext): Job<void> {
  const database = keysOf(context);
  const { content, list } = database;
  const entry = findList(context, database, 1);
  if (entry === 0 || !content.isLarge(entry)) {
    lrem(context);
    return;
  }
  const { buffer, starts, ends } = context.request;
  const wanted = integerArgument(context, 2);
  const isReverse = wanted < 0;
  const walk = new ListWalk(content, entry);
  const large = walk.list;
  const cursor = new ListCursor();
  let left = wanted === 0 ? Infinity : Math.abs(wanted);
  let removed = 0;
  let isGone = false;
  const found: number[] = [];
  yield* walk.go(isReverse ? large.count - 1 : 0, isReverse, (at) => {
    found.length = 0;
    large.open(at);
    const { bytes, tail } = large;
    for (let place = large.head, index = 0; place < tail; place = cursor.until, index++) {
      cursor.read(bytes, place);
      if (cursor.equals(bytes, buffer, starts[3]!, ends[3]!)) found.push(index);
    }
    const runs = runsOf(chosen(found, left === Infinity ? 0 : isReverse ? -left : left));
    if (runs.length > 0) {
      list.open(walk.entry);
      try {
        list.removeRuns(large, at, runs);
      } finally {
        list.close();
      }
      ({ isGone } = list);
    }
    const count = countOf(runs);
    removed += count;
    left -= count;
    return left > 0 && walk.isThere;
  });
  if (removed > 0) context.notifyTaken(keyEvents.lrem, 1, isGone);
  context.reply.integer(removed);
}
