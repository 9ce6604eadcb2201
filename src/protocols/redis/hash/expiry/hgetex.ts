/** HGETEX key [EX seconds | PX milliseconds | EXAT time | PXAT time | PERSIST] FIELDS numfields field [field ...] */
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { unitOption } from "../../keys/expiry-options.ts";
import { writableKeysOf } from "../../keys/key-access.ts";
import { expiryOfField, findField, findHash, replyField } from "../hash-key.ts";
import { badFieldCount, fieldsFrom, fieldTimeArgument } from "./field-arguments.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const hgetexCommand: CommandRow = {
  name: "hgetex",
  arity: -5,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "8.0.0",
  complexity: "O(N), N fields",
  summary: "Reads fields of a hash and changes when they expire.",
  run: hgetex,
};

function hgetex(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  const unit = unitOption(request, 2);
  const persists = request.is(2, "PERSIST");
  const at = unit === undefined ? 0 : fieldTimeArgument(context, 3, unit);
  const first = fieldsFrom(context, unit !== undefined ? 4 : persists ? 3 : 2, badFieldCount);
  const { argumentCount, buffer, starts, ends } = request;
  reply.array(argumentCount - first);
  if (entry === 0) {
    for (let i = first; i < argumentCount; i++) reply.null();
    return;
  }
  const isOver = unit !== undefined && at <= context.now;
  const { hash } = database;
  let isChanged = false;
  hash.open(entry);
  try {
    for (let i = first; i < argumentCount; i++) {
      const isFound = findField(context, database, hash.entry, i);
      replyField(context, isFound);
      if (!isFound) continue;
      if (isOver) hash.remove(buffer, starts[i]!, ends[i]!);
      else if (unit !== undefined || (persists && expiryOfField(context, database, hash.entry, i) !== 0))
        hash.expire(buffer, starts[i]!, ends[i]!, at);
      else continue;
      isChanged = true;
    }
  } finally {
    hash.close();
  }
  if (!isChanged) return;
  if (isOver) context.notifyTaken(keyEvents.hdel, 1, hash.isGone);
  else context.notify(persists ? keyEvents.hpersist : keyEvents.hexpire, 1);
}
