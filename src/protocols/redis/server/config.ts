/** CONFIG GET pattern [pattern ...]      CONFIG SET name value [name value ...]      CONFIG RESETSTAT | REWRITE */
import { compileGlob } from "../../../base/patterns/glob.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, wrongArity } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import { answerInSlices, Piece } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const configCommand: CommandRow = {
  name: "config",
  arity: -2,
  flags: [],
  since: "2.0.0",
  complexity: "Depends on the subcommand",
  summary: "Reads and changes settings.",
  subcommands: [
    {
      name: "get",
      arity: -3,
      flags: ["admin", "noscript", "loading", "stale"],
      since: "2.0.0",
      complexity: "O(N), N settings",
      summary: "Reads the settings that match.",
      run: configGet,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the CONFIG subcommands.",
      run: configHelp,
    },
    {
      name: "resetstat",
      arity: 2,
      flags: ["admin", "noscript", "loading", "stale"],
      since: "2.0.0",
      complexity: "O(1)",
      summary: "Sets the counters of INFO to zero.",
      run: configResetStat,
    },
    {
      name: "rewrite",
      arity: 2,
      flags: ["admin", "noscript", "loading", "stale"],
      since: "2.8.0",
      complexity: "O(1)",
      summary: "Writes the settings in force to the configuration file.",
      run: configRewrite,
    },
    {
      name: "set",
      arity: -4,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
      since: "2.0.0",
      complexity: "O(N), N settings",
      summary: "Changes settings of the running server.",
      run: configSet,
    },
  ],
};

/** Compiled, and held against each setting. */
const unitsOfPattern = 4;

function configGet(context: CommandContext): void {
  answerInSlices(context, () => writeSettings(context));
}

function* writeSettings({ request, reply, server }: CommandContext): Job<void> {
  const { values } = server.settings;
  const found = new Map<string, string>();
  const piece = new Piece();
  for (let at = 2; at < request.argumentCount; at++) {
    const glob = compileGlob(Buffer.from(request.latin1(at).toLowerCase(), "latin1"));
    for (const [name, value] of values) {
      if (glob.matches(Buffer.from(name), 0, name.length)) found.set(name, value);
    }
    const due = piece.add(unitsOfPattern);
    if (due > 0) yield due;
  }
  reply.map(found.size);
  for (const [name, value] of found) {
    reply.bulkLatin1(name);
    reply.bulkText(value);
  }
}

function configSet({ request, reply, server }: CommandContext): void {
  if (request.argumentCount % 2 !== 0) throw wrongArity("config|set");
  const changes: [name: string, value: string][] = [];
  for (let at = 2; at < request.argumentCount; at += 2) {
    const name = request.utf8(at).toLowerCase();
    if (!server.settings.values.has(name)) {
      throw new RedisError(
        `ERR Unknown option or number of arguments for CONFIG SET - '${request.utf8(at)}'`,
      );
    }
    if (changes.some(([other]) => other === name))
      throw new RedisError(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - duplicate parameter`,
      );
    changes.push([name, request.utf8(at + 1)]);
  }
  for (const [name, value] of changes) {
    const problem = server.settings.problemWith(name, value);
    if (problem !== null)
      throw new RedisError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`);
  }
  for (const [name, value] of changes) {
    server.settings.set(name, value);
    if (name === "requirepass") server.broker.access.requirePassword(value);
  }
  reply.ok();
}

function configResetStat({ reply, server }: CommandContext): void {
  server.commandsProcessed = 0;
  server.connectionsAccepted = 0;
  server.errorCounts.clear();
  server.lookups.hits = 0;
  server.lookups.misses = 0;
  server.keyspace.eviction.evicted = 0;
  server.clientEviction.evicted = 0;
  reply.ok();
}

function configRewrite(): void {
  throw new RedisError("ERR The server is running without a config file");
}

function configHelp(context: CommandContext): void {
  writeHelp(context, [
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file.",
  ]);
}
