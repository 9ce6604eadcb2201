/** The members of a set for SORT. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { orderedRefs } from "../../../keyspace/values/set.ts";
import type { CommandContext } from "../core/context.ts";
import { ElementWalk } from "../core/element-walk.ts";
import { setsOf } from "./set-key.ts";

export function* readSet(
  context: CommandContext,
  database: Database,
  entry: number,
  hold: (bytes: number) => void,
): Job<readonly string[]> {
  const { content } = database;
  const sets = setsOf(context);
  const members: string[] = [];
  const table = sets.tableOf(content, entry);
  if (table === null) {
    sets.begin(content, entry);
    while (sets.next()) members.push(sets.bytes.latin1Slice(sets.start, sets.end));
    return members;
  }
  let bytes = 0;
  const add = (ref: number): void => {
    table.locateKey(ref);
    members.push(table.bytes.latin1Slice(table.start, table.end));
    bytes += table.end - table.start;
  };
  if (sets.isIntset(content, entry)) {
    for (const ref of orderedRefs(table)) add(ref);
    return members;
  }
  for (const units of new ElementWalk(content, entry).go(Infinity, add)) {
    hold(bytes);
    yield units;
  }
  return members;
}
