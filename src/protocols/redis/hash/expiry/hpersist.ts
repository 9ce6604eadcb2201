/** HPERSIST key FIELDS numfields field [field ...]: for each field 1, -1 where it had no expiry, -2 where there is none. */
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { writableKeysOf } from "../../keys/key-access.ts";
import { expiryOfField, findField, findHash } from "../hash-key.ts";
import { badFieldCount, fieldsFrom } from "./field-arguments.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const hpersistCommand: CommandRow = {
  name: "hpersist",
  arity: -5,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "update")],
  since: "7.4.0",
  complexity: "O(N), N fields",
  summary: "Lets fields of a hash live without limit.",
  run: hpersist,
};

function hpersist(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  const first = fieldsFrom(context, 2, badFieldCount);
  const { argumentCount, buffer, starts, ends } = request;
  reply.array(argumentCount - first);
  if (entry === 0) {
    for (let i = first; i < argumentCount; i++) reply.integer(-2);
    return;
  }
  const { hash } = database;
  let isChanged = false;
  hash.open(entry);
  try {
    for (let i = first; i < argumentCount; i++) {
      if (!findField(context, database, hash.entry, i)) reply.integer(-2);
      else if (expiryOfField(context, database, hash.entry, i) === 0) reply.integer(-1);
      else {
        hash.expire(buffer, starts[i]!, ends[i]!, 0);
        isChanged = true;
        reply.integer(1);
      }
    }
  } finally {
    hash.close();
  }
  if (isChanged) context.notify(keyEvents.hpersist, 1);
}
