/**
 * HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
 * HPEXPIRE key milliseconds ...   HEXPIREAT key unix-time-seconds ...   HPEXPIREAT key unix-time-milliseconds ...
 *
 * For each field: 1 it expires then, 0 the condition is not met, 2 that time has passed and the field is gone, -2 no such field.
 */
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { timeUnits, type TimeUnit } from "../../keys/expiry-options.ts";
import { writableKeysOf } from "../../keys/key-access.ts";
import { expiryOfField, findField, findHash } from "../hash-key.ts";
import { fieldsFrom, fieldTimeArgument } from "./field-arguments.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const hexpireCommands: readonly CommandRow[] = [
  {
    name: "hexpire",
    arity: -6,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Lets fields of a hash expire after some seconds.",
    run: hexpire,
  },
  {
    name: "hexpireat",
    arity: -6,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Lets fields of a hash expire at a time given in seconds.",
    run: hexpireat,
  },
  {
    name: "hpexpire",
    arity: -6,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Lets fields of a hash expire after some milliseconds.",
    run: hpexpire,
  },
  {
    name: "hpexpireat",
    arity: -6,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Lets fields of a hash expire at a time given in milliseconds.",
    run: hpexpireat,
  },
];

type Condition = "NX" | "XX" | "GT" | "LT" | null;

const results = { noField: -2, notMet: 0, set: 1, removed: 2 } as const;

function hexpire(context: CommandContext): void {
  expire(context, timeUnits.EX);
}

function hexpireat(context: CommandContext): void {
  expire(context, timeUnits.EXAT);
}

function hpexpire(context: CommandContext): void {
  expire(context, timeUnits.PX);
}

function hpexpireat(context: CommandContext): void {
  expire(context, timeUnits.PXAT);
}

function expire(context: CommandContext, unit: TimeUnit): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  const at = fieldTimeArgument(context, 2, unit);
  const condition = conditionAt(context, 3);
  const first = fieldsFrom(
    context,
    condition === null ? 3 : 4,
    "ERR Parameter `numFields` should be greater than 0",
  );
  const { argumentCount, buffer, starts, ends } = request;
  reply.array(argumentCount - first);
  if (entry === 0) {
    for (let i = first; i < argumentCount; i++) reply.integer(results.noField);
    return;
  }
  const isOver = at <= context.now;
  const { hash } = database;
  let expiring = 0;
  let removed = 0;
  hash.open(entry);
  try {
    for (let i = first; i < argumentCount; i++) {
      if (!findField(context, database, hash.entry, i)) reply.integer(results.noField);
      else if (!isMet(condition, expiryOfField(context, database, hash.entry, i), at))
        reply.integer(results.notMet);
      else if (isOver) {
        hash.remove(buffer, starts[i]!, ends[i]!);
        removed++;
        reply.integer(results.removed);
      } else {
        expiring++;
        hash.expire(buffer, starts[i]!, ends[i]!, at);
        reply.integer(results.set);
      }
    }
  } finally {
    hash.close();
  }
  if (expiring > 0) context.notify(keyEvents.hexpire, 1);
  if (removed > 0) context.notifyTaken(keyEvents.hdel, 1, hash.isGone);
}

function conditionAt({ request }: CommandContext, index: number): Condition {
  for (const word of ["NX", "XX", "GT", "LT"] as const) if (request.is(index, word)) return word;
  return null;
}

/** `current` is 0 for a field that never expires, which is later than any time. */
function isMet(condition: Condition, current: number, at: number): boolean {
  if (condition === "NX") return current === 0;
  if (condition === "XX") return current !== 0;
  if (condition === "GT") return current !== 0 && at > current;
  return condition === null || current === 0 || at < current;
}
