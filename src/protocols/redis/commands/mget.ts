/** MGET key [key ...]; what is no string is null. */
import { valueType } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../context.ts";
import { findEntry, keysOf } from "../key-access.ts";

export function mget(context: CommandContext): void {
  const { request, reply } = context;
  const database = keysOf(context);
  const { table } = database;
  reply.array(request.argumentCount - 1);
  for (let index = 1; index < request.argumentCount; index++) {
    const entry = findEntry(context, database, index);
    if (entry === 0 || table.type(entry) !== valueType.string) reply.null();
    else {
      table.locate(entry);
      reply.bulk(table.bytes, table.start, table.end);
    }
  }
}
