/** HSETNX key field value */
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findField, findHash, setField } from "./hash-key.ts";

export function hsetnx(context: CommandContext): void {
  const { buffer, starts, ends } = context.request;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  if (findField(context, database, entry, 2)) return context.reply.integer(0);
  setField(context, database, entry, 2, buffer, starts[3]!, ends[3]!);
  context.reply.integer(1);
}
