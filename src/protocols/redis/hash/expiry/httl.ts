/**
 * HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME key FIELDS numfields field [field ...]: -2 without the field, -1 without an expiry.
 */
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { keysOf } from "../../keys/key-access.ts";
import { expiryOfField, findField, findHash } from "../hash-key.ts";
import { badFieldCount, fieldsFrom } from "./field-arguments.ts";

export const httlCommands: readonly CommandRow[] = [
  {
    name: "hexpiretime",
    arity: -5,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Tells when fields of a hash expire, in seconds.",
    run: hexpiretime,
  },
  {
    name: "hpexpiretime",
    arity: -5,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Tells when fields of a hash expire, in milliseconds.",
    run: hpexpiretime,
  },
  {
    name: "hpttl",
    arity: -5,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output"],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Tells how long fields of a hash have to live, in milliseconds.",
    run: hpttl,
  },
  {
    name: "httl",
    arity: -5,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output"],
    since: "7.4.0",
    complexity: "O(N), N fields",
    summary: "Tells how long fields of a hash have to live, in seconds.",
    run: httl,
  },
];

function hexpiretime(context: CommandContext): void {
  replyTimes(context, true, 0);
}

function hpexpiretime(context: CommandContext): void {
  replyTimes(context, false, 0);
}

function httl(context: CommandContext): void {
  replyTimes(context, true, context.now);
}

function hpttl(context: CommandContext): void {
  replyTimes(context, false, context.now);
}

/** Seconds are rounded up: a field has the last one whole. */
function replyTimes(context: CommandContext, isSeconds: boolean, from: number): void {
  const { request, reply } = context;
  const database = keysOf(context);
  const entry = findHash(context, database);
  const first = fieldsFrom(context, 2, badFieldCount);
  reply.array(request.argumentCount - first);
  for (let i = first; i < request.argumentCount; i++) {
    if (!findField(context, database, entry, i)) reply.integer(-2);
    else {
      const at = expiryOfField(context, database, entry, i);
      if (at === 0) reply.integer(-1);
      else reply.integer(isSeconds ? Math.ceil((at - from) / 1000) : at - from);
    }
  }
}
