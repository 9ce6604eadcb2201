/** SCRIPT DEBUG | EXISTS | FLUSH | HELP | KILL | LOAD: the cache of scripts, and the one that runs. */
import { scriptsOf } from "./run/engine.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import type { CommandRow } from "../core/command-spec.ts";
import { cachedScript } from "./eval.ts";
import { kill } from "./kill.ts";

export const scriptCommand: CommandRow = {
  name: "script",
  arity: -2,
  flags: [],
  categories: [],
  since: "2.6.0",
  complexity: "Depends on the subcommand",
  summary: "Manages cached Lua scripts.",
  subcommands: [
    {
      name: "debug",
      arity: 3,
      flags: ["noscript"],
      since: "3.2.0",
      complexity: "O(1)",
      summary: "Chooses how EVAL debugs scripts.",
      run: scriptDebug,
    },
    {
      name: "exists",
      arity: -3,
      flags: ["noscript"],
      tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
      since: "2.6.0",
      complexity: "O(N), N scripts asked for",
      summary: "Tells which scripts are cached.",
      run: scriptExists,
    },
    {
      name: "flush",
      arity: -2,
      flags: ["noscript"],
      tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
      since: "2.6.0",
      complexity: "O(N), N cached scripts",
      summary: "Empties the script cache.",
      run: scriptFlush,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the SCRIPT subcommands.",
      run: scriptHelp,
    },
    {
      name: "kill",
      arity: 2,
      flags: ["noscript", "allow_busy"],
      tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
      since: "2.6.0",
      complexity: "O(1)",
      summary: "Stops the script that is running.",
      run: (context) => kill(context, "script"),
    },
    {
      name: "load",
      arity: 3,
      flags: ["noscript", "stale"],
      tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
      since: "2.6.0",
      complexity: "O(N), N bytes of the script",
      summary: "Caches a script.",
      run: scriptLoad,
    },
  ],
};

function scriptDebug({ request, reply }: CommandContext): void {
  if (request.is(2, "NO")) return reply.ok();
  if (request.is(2, "YES") || request.is(2, "SYNC"))
    throw new RedisError("ERR scripts cannot be debugged here; use redis.log, or a redis-server");
  throw new RedisError("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

function scriptExists({ request, reply, server }: CommandContext): void {
  reply.array(request.argumentCount - 2);
  for (let index = 2; index < request.argumentCount; index++) {
    const isCached = scriptsOf(server).cache.find(request.latin1(index).toLowerCase()) !== undefined;
    reply.integer(isCached ? 1 : 0);
  }
}

function scriptFlush({ request, reply, server }: CommandContext): void {
  if (
    request.argumentCount > 2 &&
    !(request.argumentCount === 3 && (request.is(2, "SYNC") || request.is(2, "ASYNC")))
  )
    throw new RedisError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  scriptsOf(server).cache.clear();
  scriptsOf(server).dropMachine();
  reply.ok();
}

function scriptLoad(context: CommandContext): void {
  context.reply.bulkLatin1(cachedScript(context, 2, true).sha);
}

function scriptHelp(context: CommandContext): void {
  writeHelp(context, [
    "DEBUG (YES|SYNC|NO)",
    "    Set the debug mode for subsequent scripts executed.",
    "EXISTS <sha1> [<sha1> ...]",
    "    Return information about the existence of the scripts in the script cache.",
    "FLUSH [ASYNC|SYNC]",
    "    Flush the Lua scripts cache. Very dangerous on replicas.",
    "    When called without the optional mode argument, the behavior is determined by the",
    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    "    * ASYNC: Asynchronously flush the scripts cache.",
    "    * SYNC: Synchronously flush the scripts cache.",
    "KILL",
    "    Kill the currently executing Lua script.",
    "LOAD <script>",
    "    Load a script into the scripts cache without executing it.",
  ]);
}
