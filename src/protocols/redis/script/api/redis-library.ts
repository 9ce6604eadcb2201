/**
 * The table `redis` of scripts: commands, errors and statuses, logging, and what redis says of itself.
 *
 * Not here: how a command is run for a script (core/dispatch.ts), turning replies into values (reply-to-lua.ts). Texts and the
 * order of checks are those of redis 7.0. Invariant: a function leaves through `raise` or returns; nothing else is thrown but
 * what ends the run.
 */
import { createHash } from "node:crypto";
import { refusalOf } from "../../acl/check.ts";
import { call } from "../../core/dispatch.ts";
import { LuaMemoryError, valueBytes, type LuaFunction, type LuaInstance } from "../lua/lua-instance.ts";
import type { Definitions } from "../lua/define.ts";
import { argumentText, truncatedInt } from "../lua/numbers.ts";
import { luaType, type State } from "../lua/raw-api.ts";
import type { ScriptCaller } from "../run/script-caller.ts";
import type { ScriptRun } from "../run/script-run.ts";
import { errorText, pushError, raiseError } from "./error-values.ts";
import { ReplyReader } from "./reply-to-lua.ts";

const dash = 0x2d;
const scriptRedisVersion = "7.0.15";
const scriptRedisVersionNumber = 0x0007000f;
const replication = { none: 0, aof: 1, replica: 2, all: 3 } as const;
const logLevels = ["debug", "debug", "info", "warn"] as const;

export interface RedisLibraryParts {
  readonly lua: LuaInstance;
  readonly caller: ScriptCaller;
  /** The run at work; null while a library is loaded. */
  readonly run: () => ScriptRun | null;
  /** Whether what runs now loads a library: commands are not there then. */
  readonly isLoading: () => boolean;
}

export function redisLibrary(parts: RedisLibraryParts, kind: "scripts" | "functions"): Definitions {
  const commands = new CommandCalls(parts);
  return {
    ...(kind === "scripts" ? scriptFunctions(parts.lua) : {}),
    call: (state) => commands.call(state, true),
    pcall: (state) => commands.call(state, false),
    acl_check_cmd: (state) => commands.check(state),
    setresp: (state) => setResp(parts, state),
    ...pureFunctions(parts.lua),
    ...loadingLibrary(parts.lua, parts.caller),
    REPL_NONE: replication.none,
    REPL_AOF: replication.aof,
    REPL_SLAVE: replication.replica,
    REPL_REPLICA: replication.replica,
    REPL_ALL: replication.all,
  };
}

/** What a function library may use while it is loaded. */
export function loadingLibrary(lua: LuaInstance, caller: ScriptCaller): Definitions {
  return {
    log: logFunction(lua, caller),
    LOG_DEBUG: 0,
    LOG_VERBOSE: 1,
    LOG_NOTICE: 2,
    LOG_WARNING: 3,
    REDIS_VERSION: scriptRedisVersion,
    REDIS_VERSION_NUM: scriptRedisVersionNumber,
  };
}

class CommandCalls {
  readonly #lua: LuaInstance;
  readonly #caller: ScriptCaller;
  readonly #parts: RedisLibraryParts;
  readonly #reader: ReplyReader;

  constructor(parts: RedisLibraryParts) {
    this.#parts = parts;
    this.#lua = parts.lua;
    this.#caller = parts.caller;
    this.#reader = new ReplyReader(parts.lua);
  }

  /** redis.call raises what redis.pcall returns. */
  call(state: State, raises: boolean): number {
    const lua = this.#lua;
    const run = this.#parts.run();
    if (run === null || this.#parts.isLoading())
      return raiseError(lua, state, "redis.call/pcall can only be called inside a script invocation");
    const problem = this.#takeArguments(state, "redis lib");
    if (problem !== null) {
      pushError(lua, state, problem);
      return raises ? lua.raise(state) : 1;
    }
    const context = this.#caller.prepared();
    context.reply.version = run.version;
    call(context, run);
    const { replyBytes, replyLength } = this.#caller;
    try {
      this.#reader.push(state, replyBytes, replyLength);
    } catch (error) {
      if (!(error instanceof LuaMemoryError)) throw error;
      return lua.raiseMemory(state);
    }
    return raises && replyBytes[0] === dash ? lua.raise(state) : 1;
  }

  /** The arguments on the stack become the request. Returns what is wrong with them. */
  #takeArguments(state: State, name: string): string | null {
    const lua = this.#lua;
    const end = lua.argumentsEnd(state);
    let at = lua.argumentsAt(state);
    if (at === end) return `Please specify at least one argument for this ${name} call`;
    const caller = this.#caller;
    if (areStrings(lua, at, end)) {
      caller.beginInPlace(lua.bytes);
      for (; at < end; at += valueBytes) {
        const text = lua.textAt(at);
        caller.argumentAt(text, text + lua.textLength(text));
      }
      return null;
    }
    caller.begin();
    for (; at < end; at += valueBytes) {
      const type = lua.typeAt(at);
      if (type === luaType.string) {
        const text = lua.textAt(at);
        caller.argument(lua.bytes, text, text + lua.textLength(text));
      } else if (type === luaType.number) caller.argumentText(argumentText(lua.numberAt(at)));
      else return "Lua redis lib command arguments must be strings or integers";
    }
    return null;
  }

  /** Whether the user may run the command. */
  check(state: State): number {
    const lua = this.#lua;
    const run = this.#parts.run();
    if (run === null || this.#parts.isLoading())
      return raiseError(lua, state, "redis.acl_check_cmd can only be called inside a script invocation");
    const problem = this.#takeArguments(state, "redis lib");
    if (problem !== null) return raiseError(lua, state, problem);
    const context = this.#caller.prepared();
    const { request, server, database } = context;
    const spec = server.commands.findRequested(request);
    if (spec === undefined) return raiseError(lua, state, "Invalid command passed to redis.acl_check_cmd()");
    const { refusal } = refusalOf(this.#caller, { server, spec, request, database, isQueued: false });
    lua.raw.lua_pushboolean(state, refusal === null ? 1 : 0);
    return 1;
  }
}

/** Whether all values from `at` to `end` on Lua's stack are strings. */
function areStrings(lua: LuaInstance, at: number, end: number): boolean {
  for (let value = at; value < end; value += valueBytes)
    if (lua.typeAt(value) !== luaType.string) return false;
  return true;
}

function setResp({ lua, run }: RedisLibraryParts, state: State): number {
  const { raw } = lua;
  if (raw.lua_gettop(state) !== 1) return raiseError(lua, state, "redis.setresp() requires one argument.");
  const version = truncatedInt(raw.lua_tonumber(state, 1));
  if (version !== 2 && version !== 3) return raiseError(lua, state, "RESP version must be 2 or 3.");
  const current = run();
  if (current !== null) current.version = version;
  return 0;
}

function logFunction(lua: LuaInstance, caller: ScriptCaller): LuaFunction {
  return (state) => {
    const { raw } = lua;
    const count = raw.lua_gettop(state);
    if (count < 2) return raiseError(lua, state, "redis.log() requires two arguments or more.");
    if (raw.lua_type(state, 1) !== luaType.number)
      return raiseError(lua, state, "First argument must be a number (log level).");
    const level = truncatedInt(raw.lua_tonumber(state, 1));
    if (level < 0 || level > 3) return raiseError(lua, state, "Invalid debug level.");
    const words: string[] = [];
    for (let index = 2; index <= count; index++) words.push(lua.text(state, index) ?? "");
    const { logger } = caller.context.broker;
    logger[logLevels[level as 0 | 1 | 2 | 3]]("a script says", { text: words.join(" ") });
    return 0;
  };
}

/** What looks at its arguments only. Libraries that are loaded may call these too. */
function pureFunctions(lua: LuaInstance): Record<string, LuaFunction> {
  const { raw } = lua;
  const single = (field: string, textOf: (text: string) => string): LuaFunction => {
    return (state) => {
      if (raw.lua_gettop(state) !== 1 || raw.lua_type(state, -1) !== luaType.string) {
        pushError(lua, state, "wrong number or type of arguments");
        return 1;
      }
      raw.lua_createtable(state, 0, 1);
      lua.pushText(state, textOf(lua.text(state, 1)!));
      lua.setField(state, field);
      return 1;
    };
  };
  return {
    error_reply: single("err", (text) => errorText(text.startsWith("-") ? text : `-${text}`)),
    status_reply: single("ok", (text) => text),
    sha1hex: (state) => {
      if (raw.lua_gettop(state) !== 1) return raiseError(lua, state, "wrong number of arguments");
      const at = lua.string(state, 1);
      const bytes = lua.bytes.subarray(at, at === 0 ? 0 : at + lua.stringBytes);
      lua.pushText(state, createHash("sha1").update(bytes).digest("hex"));
      return 1;
    },
    set_repl: (state) => {
      if (raw.lua_gettop(state) !== 1)
        return raiseError(lua, state, "redis.set_repl() requires two arguments.");
      const flags = truncatedInt(raw.lua_tonumber(state, -1));
      if ((flags & ~replication.all) !== 0)
        return raiseError(
          lua,
          state,
          "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        );
      return 0;
    },
  };
}

/** What only scripts have. */
function scriptFunctions({ raw }: LuaInstance): Record<string, LuaFunction> {
  return {
    replicate_commands: (state) => {
      raw.lua_pushboolean(state, 1);
      return 1;
    },
    breakpoint: (state) => {
      // No debugger is attached.
      raw.lua_pushboolean(state, 0);
      return 1;
    },
    debug: () => 0,
  };
}
