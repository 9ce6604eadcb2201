/** COMMAND and its subcommands: what the table says about the commands that there are handlers for. */
import { compileGlob } from "../../../base/patterns/glob.ts";
import type { Job } from "../../../base/turn-work.ts";
import { commandLookup, topLevelCommands } from "../core/command-table.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { isImplemented } from "../core/handlers.ts";
import { writeHelp } from "../core/help.ts";
import { requestedKeys, type FoundKey } from "../core/command-keys.ts";
import { writeCommandDocs, writeCommandInfo } from "./command-replies.ts";
import type { CommandSpec } from "../core/command-spec.ts";
import { answerInSlices, Piece } from "../core/sliced-reply.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const unitsOfInfo = 5;

function ownCommands(): CommandSpec[] {
  return topLevelCommands.filter(isImplemented);
}

/** The command named by an argument, such as `get` or `xgroup|create`. */
function namedCommand(request: RequestArguments, index: number): CommandSpec | undefined {
  const { buffer, starts, ends } = request;
  const found =
    commandLookup.find(buffer, starts[index]!, ends[index]!) ??
    commandLookup.findByName(request.latin1(index));
  return found !== undefined && isImplemented(found) ? found : undefined;
}

export function command(context: CommandContext): void {
  answerInSlices(context, () => writeInfos(context, ownCommands()));
}

export function commandCount({ reply }: CommandContext): void {
  reply.integer(ownCommands().length);
}

export function commandInfo(context: CommandContext): void {
  if (context.request.argumentCount === 2) return command(context);
  answerInSlices(context, () => writeInfos(context, namedCommands(context)));
}

/** Those that the arguments from 2 on name. */
function namedCommands({ request }: CommandContext): (CommandSpec | undefined)[] {
  const specs: (CommandSpec | undefined)[] = [];
  for (let at = 2; at < request.argumentCount; at++) specs.push(namedCommand(request, at));
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

export function commandDocs(context: CommandContext): void {
  const isAll = context.request.argumentCount === 2;
  const specs = isAll ? ownCommands() : namedCommands(context).filter((spec) => spec !== undefined);
  answerInSlices(context, () => writeDocs(context, specs));
}

function* writeDocs({ reply }: CommandContext, specs: readonly CommandSpec[]): Job<void> {
  const piece = new Piece();
  reply.map(specs.length);
  for (const spec of specs) {
    writeCommandDocs(reply, spec);
    const due = piece.add(unitsOfInfo);
    if (due > 0) yield due;
  }
}

/** COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern] */
export function commandList({ request, reply }: CommandContext): void {
  let specs = ownCommands();
  if (request.argumentCount > 2) {
    if (request.argumentCount !== 5 || !request.is(2, "FILTERBY")) throw syntaxError();
    const value = request.copy(4);
    if (request.is(3, "MODULE")) specs = [];
    else if (request.is(3, "ACLCAT")) {
      const category = value.toString().toLowerCase();
      specs = specs.filter((spec) => spec.categories.some((name) => name === category));
    } else if (request.is(3, "PATTERN")) {
      const glob = compileGlob(value);
      specs = specs.filter((spec) => glob.matches(Buffer.from(spec.name), 0, spec.name.length));
    } else throw syntaxError();
  }
  reply.array(specs.length);
  for (const spec of specs) reply.bulkLatin1(spec.name);
}

function keysOfTail({ request }: CommandContext): { tail: RequestArguments; found: FoundKey[] } {
  const tail = request.tail(2);
  const found = requestedKeys(commandLookup.findRequested(tail), tail);
  if (typeof found === "string") throw new RedisError(`ERR ${found}`);
  return { tail, found };
}

export function commandGetKeys(context: CommandContext): void {
  const { reply } = context;
  const { tail, found } = keysOfTail(context);
  reply.array(found.length);
  for (const { index } of found) reply.bulk(tail.buffer, tail.starts[index], tail.ends[index]);
}

export function commandGetKeysAndFlags(context: CommandContext): void {
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

export function commandHelp(context: CommandContext): void {
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
