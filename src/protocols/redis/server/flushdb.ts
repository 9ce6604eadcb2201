/** FLUSHDB [ASYNC | SYNC] */
import { assertMayFlush } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { assertFlushOption, flushDatabases } from "./flush-keys.ts";

export function flushdb(context: CommandContext): void {
  assertFlushOption(context);
  assertMayFlush(context, context.database);
  flushDatabases(context, [context.database]);
}
