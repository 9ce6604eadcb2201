/** HSET key field value [field value ...], and HMSET, which replies OK. */
import type { CommandContext } from "../core/context.ts";
import { wrongArity } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findHash, openHash } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const hsetCommands: readonly CommandRow[] = [
  {
    name: "hmset",
    arity: -4,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "2.0.0",
    complexity: "O(N), N fields",
    summary: "Sets several fields of a hash.",
    deprecated: { since: "4.0.0", replacedBy: "`HSET` with multiple field-value pairs" },
    makesValues: true,
    run: hmset,
  },
  {
    name: "hset",
    arity: -4,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "2.0.0",
    complexity: "O(N), N fields",
    summary: "Sets fields of a hash.",
    makesValues: true,
    run: hset,
  },
];

function hset(context: CommandContext): void {
  context.reply.integer(setFields(context));
}

function hmset(context: CommandContext): void {
  setFields(context);
  context.reply.ok();
}

/** Returns how many fields are new. All in one turn, as MSET: no client sees a part of it. */
function setFields(context: CommandContext): number {
  const { buffer, starts, ends, argumentCount } = context.request;
  if (argumentCount % 2 !== 0) throw wrongArity(context.spec.fullName);
  const database = writableKeysOf(context);
  openHash(context, database, findHash(context, database));
  let added = 0;
  try {
    for (let i = 2; i < argumentCount; i += 2) {
      const isNew = database.hash.set(buffer, starts[i]!, ends[i]!, buffer, starts[i + 1]!, ends[i + 1]!);
      if (isNew) added++;
    }
  } finally {
    database.hash.close();
  }
  context.notify(keyEvents.hset, 1);
  return added;
}
