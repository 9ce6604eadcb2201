/** KEYS pattern */
import { compileGlob } from "../../../base/glob.ts";
import type { CommandContext } from "../context.ts";
import { keysOf } from "../key-access.ts";
import { seesString, visibleStreams } from "../visible-streams.ts";

export function keys(context: CommandContext): void {
  const database = keysOf(context);
  const { table } = database;
  const glob = compileGlob(context.request.view(1));
  const names: string[] = [];
  const found: number[] = [];
  let cursor = 0;
  do {
    found.length = 0;
    cursor = table.scan(cursor, found);
    for (const entry of found) {
      table.locateKey(entry);
      if (glob.matches(table.bytes, table.start, table.end) && !database.isDue(entry)) {
        table.locateKey(entry);
        const name = table.bytes.latin1Slice(table.start, table.end);
        if (seesString(context, name)) names.push(name);
      }
    }
  } while (cursor !== 0);
  for (const { name } of visibleStreams(context)) {
    if (glob.matches(Buffer.from(name, "latin1"))) names.push(name);
  }
  context.reply.array(names.length);
  for (const name of names) context.reply.bulkLatin1(name);
}
