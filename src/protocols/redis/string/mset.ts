/** MSET key value [key value ...]      MSETNX key value [key value ...]: all of them or, if one of the keys exists, none. */
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { wrongArity } from "../core/errors.ts";
import { assertReplaceable, keyExists, setString, writableKeysOf } from "../keys/key-access.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const msetCommands: readonly CommandRow[] = [
  {
    name: "mset",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [keyRange(1, -1, 2, "OW", "update")],
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    since: "1.0.1",
    complexity: "O(N), N keys",
    summary: "Sets several strings.",
    makesValues: true,
    run: mset,
  },
  {
    name: "msetnx",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [keyRange(1, -1, 2, "OW", "insert")],
    tips: ["request_policy:multi_shard", "response_policy:agg_min"],
    since: "1.0.1",
    complexity: "O(N), N keys",
    summary: "Sets several strings if none of the keys exists.",
    makesValues: true,
    run: msetnx,
  },
];

function mset(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount % 2 === 0) throw wrongArity("mset");
  const database = writableKeysOf(context);
  // All or nothing: whatever may be refused is refused before the first key is set.
  for (let index = 1; index < request.argumentCount; index += 2) assertReplaceable(context, index);
  setEach(context, database);
  reply.ok();
}

function msetnx(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount % 2 === 0) throw wrongArity("msetnx");
  const database = writableKeysOf(context);
  for (let index = 1; index < request.argumentCount; index += 2) {
    if (keyExists(context, database, index)) return reply.integer(0);
    // The name of an exchange is no key, but cannot become one.
    assertReplaceable(context, index);
  }
  setEach(context, database);
  reply.integer(1);
}

function setEach(context: CommandContext, database: Database): void {
  for (let index = 1; index < context.request.argumentCount; index += 2) {
    setString(context, database, index, index + 1, 0);
    context.notify(keyEvents.set, index);
  }
}
