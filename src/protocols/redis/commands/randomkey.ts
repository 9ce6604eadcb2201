/** RANDOMKEY: keys of the keyspace and streams alike. */
import type { CommandContext } from "../context.ts";
import { keysOf, visibleStreams } from "../key-access.ts";

const hashes = 2 ** 32;

export function randomkey(context: CommandContext): void {
  const { reply } = context;
  const database = keysOf(context);
  const { random } = context.broker;
  const streams = [...visibleStreams(context)];
  while (database.size > 0 && random.below(database.size + streams.length) < database.size) {
    const entry = randomEntry(context);
    if (database.expireIfDue(entry)) continue;
    database.table.locateKey(entry);
    return reply.bulk(database.table.bytes, database.table.start, database.table.end);
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
