/**
 * EVAL script numkeys [key ...] [arg ...]      EVALSHA sha1 numkeys [key ...] [arg ...]      and EVAL_RO, EVALSHA_RO
 *
 * Finds or caches the script and says whether it may run now; running it is run/engine.ts.
 */
import { scriptsOf } from "./run/engine.ts";
import type { CommandContext } from "../core/context.ts";
import { countedKeys, type CommandRow } from "../core/command-spec.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { notCompiled, scriptSha, type Script } from "./run/script-cache.ts";
import { readScriptLine } from "./run/shebang.ts";
import { assertMayRun, keysOfScript, writesBy } from "./script-arguments.ts";

const flags = ["noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys"] as const;

export const evalCommands: readonly CommandRow[] = [
  {
    name: "eval",
    arity: -3,
    flags,
    keys: [countedKeys(2, "RW", "access", "update")],
    since: "2.6.0",
    complexity: "Depends on the script",
    summary: "Runs a Lua script.",
    writesByRequest: textWrites,
    mayReplicate: true,
    run: (context) => evalText(context, false),
  },
  {
    name: "eval_ro",
    arity: -3,
    flags: ["readonly", ...flags],
    keys: [countedKeys(2, "RO", "access")],
    since: "7.0.0",
    complexity: "Depends on the script",
    summary: "Runs a Lua script that only reads.",
    writesByRequest: textWrites,
    run: (context) => evalText(context, true),
  },
  {
    name: "evalsha",
    arity: -3,
    flags,
    keys: [countedKeys(2, "RW", "access", "update")],
    since: "2.6.0",
    complexity: "Depends on the script",
    summary: "Runs a cached Lua script, named by its SHA-1.",
    writesByRequest: shaWrites,
    mayReplicate: true,
    run: (context) => evalSha(context, false),
  },
  {
    name: "evalsha_ro",
    arity: -3,
    flags: ["readonly", ...flags],
    keys: [countedKeys(2, "RO", "access")],
    since: "7.0.0",
    complexity: "Depends on the script",
    summary: "Runs a cached Lua script that only reads, named by its SHA-1.",
    writesByRequest: shaWrites,
    run: (context) => evalSha(context, true),
  },
];

/** Of a digest in hexadecimal. */
const shaLength = 40;

/** A script that names its flags says what it does. One that is wrong is refused when it runs. */
function textWrites({ request, server }: CommandContext): boolean | null {
  const { buffer, starts, ends } = request;
  const { cache } = scriptsOf(server);
  const known = cache.findText(buffer, starts[1]!, ends[1]!) ?? cache.find(scriptSha(request.view(1)));
  try {
    return writesBy(known === undefined ? readScriptLine(request.copy(1)).flags : known.flags);
  } catch (error) {
    if (error instanceof RedisError) return null;
    throw error;
  }
}

function shaWrites({ request, server }: CommandContext): boolean | null {
  return writesBy(scriptsOf(server).cache.find(request.latin1(1).toLowerCase())?.flags ?? null);
}

function evalText(context: CommandContext, readOnly: boolean): void {
  const given = keysOfScript(context);
  run(context, cachedScript(context, 1, false), given, readOnly);
}

function evalSha(context: CommandContext, readOnly: boolean): void {
  const { request } = context;
  // As in redis, what can be no digest is not there, whatever follows.
  if (request.ends[1]! - request.starts[1]! !== shaLength) throw new RedisError(errorTexts.noSuchScript);
  const given = keysOfScript(context);
  const script = scriptsOf(context.server).cache.find(context.request.latin1(1).toLowerCase());
  if (script === undefined) throw new RedisError(errorTexts.noSuchScript);
  run(context, script, given, readOnly);
}

function run(
  context: CommandContext,
  script: Script,
  given: ReturnType<typeof keysOfScript>,
  readOnly: boolean,
): void {
  if (script.flags !== null) assertMayRun(context, script.flags, readOnly);
  const mayNotWrite = readOnly || script.flags?.has("no-writes") === true;
  scriptsOf(context.server).runScript(context, script, given, {
    readOnly: mayNotWrite,
    mayExceedMemory: script.flags?.has("allow-oom") === true,
  });
}

/** The script in argument `index`, which is compiled and cached if it is new. */
export function cachedScript({ request, server }: CommandContext, index: number, isLoaded: boolean): Script {
  const { cache } = scriptsOf(server);
  const { buffer, starts, ends } = request;
  let known = cache.findText(buffer, starts[index]!, ends[index]!);
  const sha = known?.sha ?? scriptSha(request.view(index));
  if (known === undefined) {
    known = cache.find(sha);
    if (known !== undefined) cache.rememberText(known);
  }
  if (known !== undefined) {
    if (isLoaded) known.isLoaded = true;
    return known;
  }
  const text = request.copy(index);
  const { flags: scriptFlags, body } = readScriptLine(text);
  const script: Script = {
    sha,
    text,
    body,
    flags: scriptFlags,
    machine: notCompiled,
    reference: 0,
    isLoaded,
  };
  scriptsOf(server).assertCompiles(script);
  if (!cache.makeRoom(body.length))
    throw new RedisError("OOM too many scripts are loaded; forget them by SCRIPT FLUSH");
  cache.add(script);
  return script;
}
