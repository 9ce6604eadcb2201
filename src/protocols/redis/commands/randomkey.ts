/** RANDOMKEY: keys of the keyspace and streams alike. */
import type { CommandContext } from "../context.ts";
import { keysOf } from "../key-access.ts";
import { seesString, visibleStreams } from "../visible-streams.ts";

const hashes = 2 ** 32;
/** So many keys are tried that somebody may not see before there is said to be none. */
const hiddenMax = 100;

export function randomkey(context: CommandContext): void {
  const { reply } = context;
  const database = keysOf(context);
  const { random } = context.broker;
  const streams = [...visibleStreams(context)];
  let hidden = 0;
  while (
    hidden < hiddenMax &&
    database.size > 0 &&
    random.below(database.size + streams.length) < database.size
  ) {
    const entry = randomEntry(context);
    if (database.expireIfDue(entry)) continue;
    const { table } = database;
    table.locateKey(entry);
    if (seesString(context, table.bytes.latin1Slice(table.start, table.end)))
      return reply.bulk(table.bytes, table.start, table.end);
    hidden++;
  }
  if (streams.length === 0) return reply.null();
  reply.bulkLatin1(streams[random.below(streams.length)]!.name);
}

/** One of those that share the first bucket in use behind a random place. */
function randomEntry(context: CommandContext): number {
  const { table } = keysOf(context);
  const { random } = context.broker;
  const found: number[] = [];
  let cursor = random.below(hashes);
  while (found.length === 0) cursor = table.scan(cursor, found);
  return found[random.below(found.length)]!;
}
