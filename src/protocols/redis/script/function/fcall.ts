/** FCALL function numkeys [key ...] [arg ...]      and FCALL_RO */
import { scriptsOf } from "../run/engine.ts";
import type { CommandContext } from "../../core/context.ts";
import { countedKeys, type CommandRow } from "../../core/command-spec.ts";
import { RedisError } from "../../core/errors.ts";
import { assertMayRun, writesBy } from "../script-arguments.ts";

const flags = ["noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys"] as const;

export const fcallCommands: readonly CommandRow[] = [
  {
    name: "fcall",
    arity: -3,
    flags,
    keys: [countedKeys(2, "RW", "access", "update")],
    since: "7.0.0",
    complexity: "Depends on the function",
    summary: "Calls a function.",
    writesByRequest: functionWrites,
    mayReplicate: true,
    run: (context) => fcall(context, false),
  },
  {
    name: "fcall_ro",
    arity: -3,
    flags: ["readonly", ...flags],
    keys: [countedKeys(2, "RO", "access")],
    since: "7.0.0",
    complexity: "Depends on the function",
    summary: "Calls a function that only reads.",
    writesByRequest: functionWrites,
    run: (context) => fcall(context, true),
  },
];

function functionWrites({ request, server }: CommandContext): boolean | null {
  return writesBy(scriptsOf(server).libraries.find(request.latin1(1))?.found.flags ?? null);
}

function fcall(context: CommandContext, readOnly: boolean): void {
  const { request, server } = context;
  const name = request.latin1(1);
  const called = scriptsOf(server).libraries.find(name);
  if (called === undefined) throw new RedisError("ERR Function not found");
  const keyCount = request.integer(2);
  if (Number.isNaN(keyCount)) throw new RedisError("ERR Bad number of keys provided");
  if (keyCount > request.argumentCount - 3)
    throw new RedisError("ERR Number of keys can't be greater than number of args");
  if (keyCount < 0) throw new RedisError("ERR Number of keys can't be negative");
  const { machine, found } = called;
  assertMayRun(context, found.flags, readOnly);
  const options = {
    name,
    kind: "function",
    readOnly: readOnly || found.flags.has("no-writes"),
    mayExceedMemory: found.flags.has("allow-oom"),
    mayCrossSlots: found.flags.has("allow-cross-slot-keys"),
  } as const;
  scriptsOf(server).runFunction(context, machine, found.reference, options, { keys: 3, keyCount });
}
