/** The members of a sorted set for SORT, in their order or the other way round. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { eachInRange, type Ranks } from "./range-walk.ts";
import { sortedSetsOf } from "./sorted-set-key.ts";

export function* readSortedSet(
  context: CommandContext,
  { content }: Database,
  entry: number,
  hold: (bytes: number) => void,
  wanted: (size: number) => Ranks,
): Job<readonly string[]> {
  const sets = sortedSetsOf(context);
  const members: string[] = [];
  const ranks = wanted(sets.count(content, entry));
  let bytes = 0;
  for (const units of eachInRange(sets, content, entry, ranks, () => {
    members.push(sets.bytes.latin1Slice(sets.start, sets.end));
    bytes += sets.end - sets.start;
  })) {
    hold(bytes);
    yield units;
  }
  return members;
}
