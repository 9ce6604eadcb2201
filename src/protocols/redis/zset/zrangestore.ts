/** ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]: the range appears under `dst` at once. */
import type { Job } from "../../../base/turn-work.ts";
import { SortedSetBuild } from "../../../keyspace/values/sorted/sorted-set-build.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { storeResult } from "../keys/store-result.ts";
import { eachInRange } from "./range-walk.ts";
import { parseRange, type RangeSyntax } from "./range.ts";
import { findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const zrangestoreCommand: CommandRow = {
  name: "zrangestore",
  arity: -5,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "OW", "update"), oneKey(2, "RO", "access")],
  since: "6.2.0",
  complexity: "O(log(N)+M), N members, M stored",
  summary: "Stores a range of a sorted set.",
  run: zrangestore,
};

const syntax: RangeSyntax = { keyIndex: 2, kind: null, isReverse: null, isStored: true };

function zrangestore(context: CommandContext): void {
  const range = parseRange(context, syntax);
  const database = keysOf(context);
  const entry = findSortedSet(context, database, 2);
  if (entry !== 0) range.resolve(sortedSetsOf(context), database.content, entry);
  storeResult(context, {
    index: 1,
    event: keyEvents.zrangestore,
    isShort: entry === 0 || range.count <= directItemsMax,
    begin: () => new SortedSetBuild(context.server.keyspace, "stored", "listpack"),
    make: (build) => addRange(context, build),
  });
}

/** The job may begin in a later turn: the range is looked up again. */
function* addRange(context: CommandContext, build: SortedSetBuild): Job<void> {
  const range = parseRange(context, syntax);
  const { content } = keysOf(context);
  const entry = findSortedSet(context, keysOf(context), 2);
  if (entry === 0) return;
  const sets = sortedSetsOf(context);
  range.resolve(sets, content, entry);
  const add = (): void => build.set(sets.score, sets.bytes, sets.start, sets.end);
  for (const units of eachInRange(sets, content, entry, range, add)) {
    build.pause();
    // A member is found in one set and put into another.
    yield 2 * units;
  }
}
