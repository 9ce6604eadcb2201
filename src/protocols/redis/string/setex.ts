/** SETEX key seconds value      PSETEX key milliseconds value      SETNX key value: what SET's options do in newer programs. */
import type { CommandContext } from "../core/context.ts";
import { positiveExpiryArgument, timeUnits } from "../keys/expiry-options.ts";
import { keyExists, setString, writableKeysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const setexCommands: readonly CommandRow[] = [
  {
    name: "psetex",
    arity: 4,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "OW", "update")],
    since: "2.6.0",
    complexity: "O(1)",
    summary: "Sets a string that expires after some milliseconds.",
    makesValues: true,
    run: psetex,
  },
  {
    name: "setex",
    arity: 4,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "OW", "update")],
    since: "2.0.0",
    complexity: "O(1)",
    summary: "Sets a string that expires after some seconds.",
    makesValues: true,
    run: setex,
  },
  {
    name: "setnx",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "OW", "insert")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Sets a string if the key does not exist.",
    makesValues: true,
    run: setnx,
  },
];

function setex(context: CommandContext): void {
  setUntil(context, positiveExpiryArgument(context, 2, timeUnits.EX));
}

function psetex(context: CommandContext): void {
  setUntil(context, positiveExpiryArgument(context, 2, timeUnits.PX));
}

function setUntil(context: CommandContext, expiry: number): void {
  setString(context, writableKeysOf(context), 1, 3, expiry);
  context.notify(keyEvents.set, 1);
  context.notify(keyEvents.expire, 1);
  context.reply.ok();
}

function setnx(context: CommandContext): void {
  const database = writableKeysOf(context);
  if (keyExists(context, database, 1)) return context.reply.integer(0);
  setString(context, database, 1, 2, 0);
  context.notify(keyEvents.set, 1);
  context.reply.integer(1);
}
