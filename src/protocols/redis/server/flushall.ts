/** FLUSHALL [ASYNC | SYNC] */
import { databaseCount } from "../../../keyspace/keyspace.ts";
import { assertMayFlush } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { assertFlushOption, flushDatabases } from "./flush-keys.ts";

const allDatabases = Array.from({ length: databaseCount }, (_, number) => number);

export function flushall(context: CommandContext): void {
  assertFlushOption(context);
  for (const number of allDatabases) assertMayFlush(context, number);
  flushDatabases(context, allDatabases);
}
