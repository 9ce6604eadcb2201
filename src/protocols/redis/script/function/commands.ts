/** FUNCTION DELETE | DUMP | FLUSH | HELP | KILL | LIST | LOAD | RESTORE | STATS */
import { scriptsOf } from "../run/engine.ts";
import { compileGlob } from "../../../../base/patterns/glob.ts";
import type { CommandContext } from "../../core/context.ts";
import { errorTexts, RedisError } from "../../core/errors.ts";
import { writeHelp } from "../../core/help.ts";
import type { CommandRow } from "../../core/command-spec.ts";
import { kill } from "../kill.ts";
import { readLibraryLine, type Library } from "./library.ts";
import { readPayload, writePayload } from "./payload.ts";

export const functionCommand: CommandRow = {
  name: "function",
  arity: -2,
  flags: [],
  categories: [],
  since: "7.0.0",
  complexity: "Depends on the subcommand",
  summary: "Manages function libraries.",
  subcommands: [
    {
      name: "delete",
      arity: 3,
      flags: ["write", "noscript"],
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Removes a library.",
      run: deleteLibrary,
    },
    {
      name: "dump",
      arity: 2,
      flags: ["noscript"],
      since: "7.0.0",
      complexity: "O(N), N functions",
      summary: "Serializes all libraries.",
      run: dump,
    },
    {
      name: "flush",
      arity: -2,
      flags: ["write", "noscript"],
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      since: "7.0.0",
      complexity: "O(N), N functions",
      summary: "Removes all libraries.",
      run: flush,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Lists the FUNCTION subcommands.",
      run: help,
    },
    {
      name: "kill",
      arity: 2,
      flags: ["noscript", "allow_busy"],
      tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Stops the function that is running.",
      run: (context) => kill(context, "function"),
    },
    {
      name: "list",
      arity: -2,
      flags: ["noscript"],
      tips: ["nondeterministic_output_order"],
      since: "7.0.0",
      complexity: "O(N), N functions",
      summary: "Lists libraries and their functions.",
      run: list,
    },
    {
      name: "load",
      arity: -3,
      flags: ["write", "denyoom", "noscript"],
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      since: "7.0.0",
      complexity: "O(1), plus compiling",
      summary: "Loads a library.",
      run: load,
    },
    {
      name: "restore",
      arity: -3,
      flags: ["write", "denyoom", "noscript"],
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      since: "7.0.0",
      complexity: "O(N), N functions",
      summary: "Loads serialized libraries.",
      run: restore,
    },
    {
      name: "stats",
      arity: 2,
      flags: ["noscript", "allow_busy"],
      tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Describes the function that is running and the engines.",
      run: stats,
    },
  ],
};

const engineName = "LUA";

function wrongArguments(subcommand: string): RedisError {
  return new RedisError(
    `ERR unknown subcommand or wrong number of arguments for '${subcommand}'. Try FUNCTION HELP.`,
  );
}

/** What changes libraries needs the journal: deletions go on while the disk is full. */
function assertKept({ broker, caller, spec }: CommandContext): void {
  if (spec.denyOom) {
    broker.storage.assertWritable();
    caller.publisherSeen();
  } else {
    broker.storage.gate.assertAlive();
    caller.writerSeen();
  }
}

function load(context: CommandContext): void {
  const { request, reply, server } = context;
  let replace = false;
  let at = 2;
  for (; at < request.argumentCount - 1; at++) {
    if (!request.is(at, "REPLACE")) throw new RedisError(`ERR Unknown option given: ${request.latin1(at)}`);
    replace = true;
  }
  if (at >= request.argumentCount) throw new RedisError("ERR Function code is missing");
  assertKept(context);
  reply.bulkLatin1(scriptsOf(server).libraries.add(request.copy(at), replace).name);
}

function deleteLibrary(context: CommandContext): void {
  const { libraries } = scriptsOf(context.server);
  const library = libraries.library(context.request.latin1(2));
  if (library === undefined) throw new RedisError("ERR Library not found");
  assertKept(context);
  libraries.delete(library);
  context.reply.ok();
}

function flush(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount > 3) throw wrongArguments("flush");
  if (request.argumentCount === 3 && !request.is(2, "SYNC") && !request.is(2, "ASYNC"))
    throw new RedisError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  assertKept(context);
  scriptsOf(server).libraries.clear();
  reply.ok();
}

function list({ request, reply, server }: CommandContext): void {
  let withCode = false;
  let pattern: string | undefined;
  for (let at = 2; at < request.argumentCount; at++) {
    if (!withCode && request.is(at, "WITHCODE")) withCode = true;
    else if (pattern === undefined && request.is(at, "LIBRARYNAME")) {
      if (at + 1 >= request.argumentCount) throw new RedisError("ERR library name argument was not given");
      pattern = request.latin1(++at);
    } else throw new RedisError(`ERR Unknown argument ${request.latin1(at)}`);
  }
  const glob = pattern === undefined ? null : compileGlob(Buffer.from(pattern.toLowerCase(), "latin1"));
  const found = scriptsOf(server).libraries.all.filter(({ name }) => {
    const bytes = Buffer.from(name.toLowerCase(), "latin1");
    return glob === null || glob.matches(bytes, 0, bytes.length);
  });
  reply.array(found.length);
  for (const library of found) {
    reply.map(withCode ? 4 : 3);
    reply.bulkLatin1("library_name");
    reply.bulkLatin1(library.name);
    reply.bulkLatin1("engine");
    reply.bulkLatin1(engineName);
    reply.bulkLatin1("functions");
    writeFunctions(reply, library);
    if (!withCode) continue;
    reply.bulkLatin1("library_code");
    reply.bulk(library.code);
  }
}

function writeFunctions(reply: CommandContext["reply"], { functions }: Library): void {
  reply.array(functions.size);
  for (const { name, description, flags } of functions.values()) {
    reply.map(3);
    reply.bulkLatin1("name");
    reply.bulkLatin1(name);
    reply.bulkLatin1("description");
    if (description === null) reply.null();
    else reply.bulkLatin1(description);
    reply.bulkLatin1("flags");
    reply.set(flags.size);
    for (const flag of flags) reply.simple(flag);
  }
}

function dump({ reply, server }: CommandContext): void {
  reply.bulk(writePayload(scriptsOf(server).libraries.all.map(({ code }) => code)));
}

/** Either all libraries of the payload are there in the end, or nothing has changed. */
function restore(context: CommandContext): void {
  const { request, reply, server } = context;
  const { libraries } = scriptsOf(server);
  if (request.argumentCount > 4) throw wrongArguments("restore");
  const policy = request.argumentCount === 4 ? request.latin1(3).toUpperCase() : "APPEND";
  if (policy !== "FLUSH" && policy !== "APPEND" && policy !== "REPLACE")
    throw new RedisError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
  const codes = readPayload(request.copy(2));
  assertKept(context);
  const before = libraries.all;
  try {
    if (policy === "FLUSH") libraries.clear();
    for (const code of codes) {
      const { name } = readLibraryLine(code);
      if (policy !== "REPLACE" && libraries.library(name) !== undefined)
        throw new RedisError(`ERR Library ${name} already exists`);
      libraries.add(code, true);
    }
  } catch (error) {
    libraries.clear();
    for (const { code } of before) libraries.add(code, false);
    throw error;
  }
  reply.ok();
}

function stats({ reply, server }: CommandContext): void {
  const { libraries, suspended } = scriptsOf(server);
  if (suspended?.options.kind === "script") throw new RedisError(errorTexts.busy.script);
  reply.map(2);
  reply.bulkLatin1("running_script");
  if (suspended === null) reply.null();
  else {
    const { name } = suspended.options;
    reply.map(3);
    reply.bulkLatin1("name");
    reply.bulkLatin1(name);
    reply.bulkLatin1("command");
    const { request } = suspended.outer;
    reply.array(request.argumentCount);
    for (let index = 0; index < request.argumentCount; index++) reply.bulk(request.view(index));
    reply.bulkLatin1("duration_ms");
    reply.integer(Math.floor(server.broker.clock.monotonic() - suspended.startedAt));
  }
  reply.bulkLatin1("engines");
  reply.map(1);
  reply.bulkLatin1(engineName);
  reply.map(2);
  reply.bulkLatin1("libraries_count");
  reply.integer(libraries.all.length);
  reply.bulkLatin1("functions_count");
  reply.integer(libraries.functionCount);
}

function help(context: CommandContext): void {
  writeHelp(context, [
    "LOAD [REPLACE] <FUNCTION CODE>",
    "    Create a new library with the given library name and code.",
    "DELETE <LIBRARY NAME>",
    "    Delete the given library.",
    "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
    "    Return general information on all the libraries:",
    "    * Library name",
    "    * The engine used to run the Library",
    "    * Library description",
    "    * Functions list",
    "    * Library code (if WITHCODE is given)",
    "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
    "STATS",
    "    Return information about the current function running:",
    "    * Function name",
    "    * Command used to run the function",
    "    * Duration in MS that the function is running",
    "    If no function is running, return nil",
    "    In addition, returns a list of available engines.",
    "KILL",
    "    Kill the current running function.",
    "FLUSH [ASYNC|SYNC]",
    "    Delete all the libraries.",
    "    When called without the optional mode argument, the behavior is determined by the",
    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    "    * ASYNC: Asynchronously flush the libraries.",
    "    * SYNC: Synchronously flush the libraries.",
    "DUMP",
    "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command",
    "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
    "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
    "    control how to handle existing libraries (default APPEND):",
    "    * FLUSH: delete all existing libraries.",
    "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
    "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
    "      libraries with the new libraries (notice that even on this option there is a chance of failure",
    "      in case of functions name collision with another library).",
  ]);
}
