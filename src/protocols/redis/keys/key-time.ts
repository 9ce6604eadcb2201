/** What TTL, PTTL, EXPIRETIME and PEXPIRETIME share: -2 without a key, -1 without an expiry. */
import type { CommandContext } from "../core/context.ts";
import { replyTime } from "./expiry-options.ts";
import { findEntry, keysOf, streamAt } from "./key-access.ts";

export function replyKeyTime(
  context: CommandContext,
  { isSeconds, isAbsolute }: { isSeconds: boolean; isAbsolute: boolean },
): void {
  const database = keysOf(context);
  const entry = findEntry(context, database, 1);
  if (entry === 0) return context.reply.integer(streamAt(context, 1) === undefined ? -2 : -1);
  const at = database.table.expiry(entry);
  if (at === 0) return context.reply.integer(-1);
  replyTime(context, isAbsolute ? at : Math.max(at - context.broker.clock.now(), 0), isSeconds);
}
