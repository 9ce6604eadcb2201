/** HGETDEL key FIELDS numfields field [field ...]: a hash without fields is gone. */
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { writableKeysOf } from "../../keys/key-access.ts";
import { findField, findHash, replyField } from "../hash-key.ts";
import { badFieldCount, fieldsFrom } from "./field-arguments.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const hgetdelCommand: CommandRow = {
  name: "hgetdel",
  arity: -5,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "delete")],
  since: "8.0.0",
  complexity: "O(N), N fields",
  summary: "Reads fields of a hash and removes them.",
  run: hgetdel,
};

function hgetdel(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  const first = fieldsFrom(context, 2, badFieldCount);
  const { argumentCount, buffer, starts, ends } = request;
  reply.array(argumentCount - first);
  if (entry === 0) {
    for (let i = first; i < argumentCount; i++) reply.null();
    return;
  }
  const { hash } = database;
  let isChanged = false;
  hash.open(entry);
  try {
    for (let i = first; i < argumentCount; i++) {
      const isFound = findField(context, database, hash.entry, i);
      replyField(context, isFound);
      if (!isFound) continue;
      hash.remove(buffer, starts[i]!, ends[i]!);
      isChanged = true;
    }
  } finally {
    hash.close();
  }
  if (isChanged) context.notifyTaken(keyEvents.hdel, 1, hash.isGone);
}
