/** CONFIG GET pattern [pattern ...]      CONFIG SET name value [name value ...]      CONFIG RESETSTAT | REWRITE */
import { compileGlob } from "../../../base/patterns/glob.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";
import { secretParameters } from "../core/parameters/known-parameters.ts";
import type { ServerSettings } from "../core/settings.ts";
import { argumentsFrom } from "../observe/redaction.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

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
      secrets: secretsOfSettings,
      run: configSet,
    },
  ],
};

/** Values that are passwords. */
function secretsOfSettings(request: RequestArguments): number[] {
  const values = argumentsFrom(request, 3).filter((at) => at % 2 === 1);
  return values.filter((at) => secretParameters.has(request.latin1(at - 1).toLowerCase()));
}

/** Compiled, and held against each setting. */
const unitsOfPattern = 4;

function configGet(context: CommandContext): void {
  answerInSlices(context, () => writeSettings(context));
}

function* writeSettings(context: CommandContext): Job<void> {
  const { request, reply, server } = context;
  const { settings } = server;
  const { values } = settings;
  /** By the parameter's name: the name as the client gave it, if it did. */
  const found = new Map<string, string>();
  const piece = new Piece();
  for (let at = 2; at < request.argumentCount; at++) {
    const pattern = request.latin1(at).toLowerCase();
    if (/[[*?]/.test(pattern)) {
      const glob = compileGlob(Buffer.from(pattern, "latin1"));
      for (const name of values.keys()) {
        if (!settings.isHidden(name) && glob.matches(Buffer.from(name), 0, name.length))
          found.set(name, found.get(name) ?? name);
      }
    } else if (values.has(pattern)) found.set(pattern, found.get(pattern) ?? request.utf8(at));
    const due = piece.add(unitsOfPattern);
    if (due > 0) yield due;
  }
  reply.map(found.size);
  for (const [name, shown] of found) {
    reply.bulkText(shown);
    reply.bulkText(name === "port" ? String(portOf(context)) : values.get(name)!);
  }
}

/** There may be several, and the one that the client has come by is right for it. */
function portOf({ clientOrNull }: CommandContext): number {
  return clientOrNull?.connection.local.port ?? 0;
}

function configSet(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount % 2 !== 0) throw syntaxError();
  const { settings } = server;
  const given = givenSettings(request, settings);
  const changes = given.map(([name, text]): [name: string, value: string] => {
    const parsed = settings.parse(name, text, portOf(context));
    if ("problem" in parsed) throw setFailed(name, parsed.problem);
    return [name, parsed.value];
  });
  for (const [name, value] of changes) {
    settings.set(name, value);
    if (name === "requirepass") server.broker.access.requirePassword(value);
  }
  reply.ok();
}

/** Unknown names come first, then what may not be set, in the order in which they were given. */
function givenSettings(request: RequestArguments, settings: ServerSettings): [name: string, text: string][] {
  const given: [name: string, text: string][] = [];
  let problem: RedisError | null = null;
  for (let at = 2; at < request.argumentCount && problem === null; at += 2) {
    const shown = request.utf8(at);
    const name = shown.toLowerCase();
    if (!settings.values.has(name))
      throw new RedisError(`ERR Unknown option or number of arguments for CONFIG SET - '${shown}'`);
    const fixed = settings.fixedProblem(name);
    if (fixed !== null) problem = setFailed(shown, fixed);
    else if (given.some(([other]) => other === name)) problem = setFailed(shown, "duplicate parameter");
    given.push([name, request.utf8(at + 1)]);
  }
  if (problem !== null) throw problem;
  return given;
}

function setFailed(name: string, problem: string): RedisError {
  return new RedisError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`);
}

function configResetStat({ reply, server }: CommandContext): void {
  server.commandsBeforeReset = server.commandsProcessed;
  server.connectionsAccepted = 0;
  server.connectionsRejected = 0;
  server.errorReplies = 0;
  server.readsProcessed = 0;
  server.errorCounts.clear();
  server.lookups.hits = 0;
  server.lookups.misses = 0;
  server.keyspace.eviction.evicted = 0;
  server.clientEviction.evicted = 0;
  server.observer.reset();
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
