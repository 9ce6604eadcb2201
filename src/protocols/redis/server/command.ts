/** COMMAND and its subcommands: what the table says about the commands that there are handlers for. */
import { loadCommandDocs, loadedCommandDocs } from "../command-docs.ts";
import { compileGlob } from "../../../base/patterns/glob.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import { requestedKeys, type FoundKey } from "../core/command-keys.ts";
import { writeCommandDocs, writeCommandInfo } from "./command-replies.ts";
import type { CommandSpec } from "../core/command-spec.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const commandCommand: CommandRow = {
  name: "command",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output_order"],
  since: "2.8.13",
  complexity: "O(N), N commands",
  summary: "Describes all commands.",
  run: command,
  subcommands: [
    {
      name: "count",
      arity: 2,
      flags: ["loading", "stale"],
      categories: ["connection"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Counts the commands.",
      run: commandCount,
    },
    {
      name: "docs",
      arity: -2,
      flags: ["loading", "stale"],
      categories: ["connection"],
      tips: ["nondeterministic_output_order"],
      since: "7.0.0",
      complexity: "O(N), N commands asked for",
      summary: "Explains commands.",
      run: commandDocs,
    },
    {
      name: "getkeys",
      arity: -4,
      flags: ["loading", "stale"],
      categories: ["connection"],
      since: "2.8.13",
      complexity: "O(N), N arguments",
      summary: "Picks the keys out of a command.",
      run: commandGetKeys,
    },
    {
      name: "getkeysandflags",
      arity: -4,
      flags: ["loading", "stale"],
      categories: ["connection"],
      since: "7.0.0",
      complexity: "O(N), N arguments",
      summary: "Picks the keys out of a command, with how it uses each.",
      run: commandGetKeysAndFlags,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      categories: ["connection"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the COMMAND subcommands.",
      run: commandHelp,
    },
    {
      name: "info",
      arity: -2,
      flags: ["loading", "stale"],
      categories: ["connection"],
      tips: ["nondeterministic_output_order"],
      since: "2.8.13",
      complexity: "O(N), N commands asked for",
      summary: "Describes some commands, or all.",
      run: commandInfo,
    },
    {
      name: "list",
      arity: -2,
      flags: ["loading", "stale"],
      categories: ["connection"],
      tips: ["nondeterministic_output_order"],
      since: "7.0.0",
      complexity: "O(N), N commands",
      summary: "Lists the names of commands.",
      run: commandList,
    },
  ],
};

/** A command in COMMAND INFO, or DOCS with its arguments. */
const unitsOfInfo = 5;

function ownCommands({ server }: CommandContext): CommandSpec[] {
  return server.commands.topLevel.filter((spec) => spec.isImplemented);
}

/** The command named by an argument, such as `get` or `xgroup|create`. */
function namedCommand({ request, server }: CommandContext, index: number): CommandSpec | undefined {
  const { buffer, starts, ends } = request;
  const { commands } = server;
  const found =
    commands.find(buffer, starts[index]!, ends[index]!) ?? commands.findByName(request.latin1(index));
  return found?.isImplemented === true ? found : undefined;
}

function command(context: CommandContext): void {
  answerInSlices(context, () => writeInfos(context, ownCommands(context)));
}

function commandCount(context: CommandContext): void {
  context.reply.integer(ownCommands(context).length);
}

function commandInfo(context: CommandContext): void {
  if (context.request.argumentCount === 2) return command(context);
  answerInSlices(context, () => writeInfos(context, namedCommands(context)));
}

/** The commands that the arguments from 2 on name. */
function namedCommands(context: CommandContext): (CommandSpec | undefined)[] {
  const specs: (CommandSpec | undefined)[] = [];
  for (let at = 2; at < context.request.argumentCount; at++) specs.push(namedCommand(context, at));
  return specs;
}

function* writeInfos({ reply }: CommandContext, specs: readonly (CommandSpec | undefined)[]): Job<void> {
  const piece = new Piece();
  reply.array(specs.length);
  for (const spec of specs) {
    if (spec === undefined) reply.null();
    else writeCommandInfo(reply, spec);
    const due = piece.add(unitsOfInfo);
    if (due > 0) yield due;
  }
}

function commandDocs(context: CommandContext): void {
  const isAll = context.request.argumentCount === 2;
  const specs = isAll ? ownCommands(context) : namedCommands(context).filter((spec) => spec !== undefined);
  const loading = loadedCommandDocs() === null ? loadCommandDocs() : null;
  answerInSlices(context, () => writeDocs(context, specs), { loading });
}

function* writeDocs({ reply }: CommandContext, specs: readonly CommandSpec[]): Job<void> {
  const docs = loadedCommandDocs();
  if (docs === null)
    throw new RedisError(
      "ERR COMMAND DOCS is not loaded and cannot be waited for here; ask again, or ask outside of transactions and scripts first",
    );
  const piece = new Piece();
  reply.map(specs.length);
  for (const spec of specs) {
    writeCommandDocs(reply, spec, docs);
    const due = piece.add(unitsOfInfo);
    if (due > 0) yield due;
  }
}

type CommandFilter = (spec: CommandSpec) => boolean;

/** COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]: commands and subcommands, by their full names. */
function commandList(context: CommandContext): void {
  const { request, reply } = context;
  const { argumentCount } = request;
  if (argumentCount > 2 && (argumentCount !== 5 || !request.is(2, "FILTERBY"))) throw syntaxError();
  const filter = argumentCount > 2 ? commandFilter(request, 3) : () => true;
  // A container that is there has all its subcommands in the table, some of which may have no handler yet.
  const specs = context.server.commands.all.filter((spec) => spec.isImplemented && filter(spec));
  reply.array(specs.length);
  for (const spec of specs) reply.bulkLatin1(spec.fullName);
}

function commandFilter(request: RequestArguments, at: number): CommandFilter {
  const value = request.copy(at + 1);
  if (request.is(at, "MODULE")) return () => false;
  if (request.is(at, "ACLCAT")) {
    const category = value.toString().toLowerCase();
    return (spec) => spec.categories.some((name) => name === category);
  }
  if (request.is(at, "PATTERN")) {
    const glob = compileGlob(value, { ignoreCase: true });
    return ({ fullName }) => glob.matches(Buffer.from(fullName), 0, fullName.length);
  }
  throw syntaxError();
}

function keysOfTail({ request, server }: CommandContext): {
  tail: RequestArguments;
  found: readonly FoundKey[];
} {
  const tail = request.tail(2);
  const found = requestedKeys(server.commands.findRequested(tail), tail);
  if (typeof found === "string") throw new RedisError(`ERR ${found}`);
  return { tail, found };
}

function commandGetKeys(context: CommandContext): void {
  const { reply } = context;
  const { tail, found } = keysOfTail(context);
  reply.array(found.length);
  for (const { index } of found) reply.bulk(tail.buffer, tail.starts[index], tail.ends[index]);
}

function commandGetKeysAndFlags(context: CommandContext): void {
  const { reply } = context;
  const { tail, found } = keysOfTail(context);
  reply.array(found.length);
  for (const { index, flags } of found) {
    reply.array(2);
    reply.bulk(tail.buffer, tail.starts[index], tail.ends[index]);
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
  }
}

function commandHelp(context: CommandContext): void {
  writeHelp(context, [
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
  ]);
}
