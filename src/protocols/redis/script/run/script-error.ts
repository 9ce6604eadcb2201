/** What a caller is told of a script that has failed: redis's text, with the line that failed. */
import type { LuaInstance } from "../lua/lua-instance.ts";
import { luaStatus, luaType, type State } from "../lua/raw-api.ts";

const unknownError = "ERR unknown error";
const shownBytesMax = 100;
/** `lua_Debug`: its size, and where its fields are. */
const recordBytes = 100;
const whatOffset = 12;
const sourceOffset = 16;
const lineOffset = 20;

export interface ScriptFailure {
  readonly text: string;
  /** The command that failed has counted the error already. */
  readonly isCounted: boolean;
}

export interface Place {
  readonly source: string;
  readonly line: number;
}

/**
 * The coroutine has ended with `status`; what it raised is on top of its stack, below which its calls still are. `name`: of the
 * script; null where neither it nor the line is told.
 */
export function failureOf(
  lua: LuaInstance,
  thread: State,
  status: number,
  name: string | null,
): ScriptFailure {
  const { raw } = lua;
  if (status === luaStatus.memory)
    return {
      text: `ERR Error running script ${name ?? ""}, ${lua.text(thread, -1)!.slice(0, shownBytesMax)}`,
      isCounted: false,
    };
  const place = failedPlace(lua, thread);
  if (raw.lua_type(thread, -1) !== luaType.table)
    return { text: withPlace(`ERR ${textOf(lua, thread)}`, place, name), isCounted: false };
  const text = lua.rawField(thread, -1, "err") === luaType.string ? lua.text(thread, -1)! : unknownError;
  lua.pop(thread);
  const isCounted = lua.rawField(thread, -1, "ignore_error_stats_update") !== luaType.nil;
  lua.pop(thread);
  return { text: withPlace(text, place, name), isCounted };
}

/** An error's text as a caller gets it. */
export function withPlace(text: string, place: Place | null, name: string | null): string {
  return place === null || name === null
    ? text
    : `${text} script: ${name}, on ${place.source}:${place.line}.`;
}

/** What `tostring` says of what is on top of the stack, as far as no metamethod is needed. */
function textOf(lua: LuaInstance, state: State): string {
  const { raw } = lua;
  const type = raw.lua_type(state, -1);
  if (type === luaType.nil) return "nil";
  if (type === luaType.boolean) return raw.lua_toboolean(state, -1) === 0 ? "false" : "true";
  return lua.text(state, -1) ?? `${lua.typeName(state, -1)}: 0x${raw.lua_topointer(state, -1).toString(16)}`;
}

/** Where the error was raised: the function that runs, or, if that is one of C, its caller. */
export function failedPlace(lua: LuaInstance, thread: State): Place | null {
  const at = lua.scratch(recordBytes);
  if (!readPlace(lua, thread, 0, at)) return null;
  if (stringAt(lua, lua.words[(at + whatOffset) >> 2]!) === "C" && !readPlace(lua, thread, 1, at))
    return null;
  const source = stringAt(lua, lua.words[(at + sourceOffset) >> 2]!);
  return { source, line: lua.words[(at + lineOffset) >> 2]! | 0 };
}

function readPlace(lua: LuaInstance, thread: State, level: number, at: number): boolean {
  const { raw } = lua;
  if (raw.lua_getstack(thread, level, at) === 0) return false;
  return raw.lua_getinfo(thread, lua.name("nSl"), at) !== 0;
}

function stringAt({ bytes }: LuaInstance, at: number): string {
  return bytes.latin1Slice(at, bytes.indexOf(0, at));
}
