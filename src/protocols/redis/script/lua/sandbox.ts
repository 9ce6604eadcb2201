/**
 * What scripts find in a machine: Lua's own libraries without what reaches outside, redis's replacements, nothing that can be changed.
 *
 * Not here: the libraries redis, cjson and so on, which are defined between `openStandard` and `protect`. Invariants: a script can
 * change no table that the next one sees; there is no file, no time of day, no bytecode (it would not be checked).
 */
import { defineFields } from "./define.ts";
import type { LuaInstance } from "./lua-instance.ts";
import { globalsIndex, luaStatus, luaType, type State } from "./raw-api.ts";
import type { RandomNumbers } from "./random-numbers.ts";

/** Not in redis: they reach files, the output, or other functions' environments. */
const removed = ["dofile", "loadfile", "print", "newproxy", "setfenv", "getfenv"] as const;

/** For lua_pcall. */
const allResults = -1;

/** `load` and `loadstring` take text only. A blank in front makes bytecode a text, which is a syntax error as in redis. */
const prelude = `
local loadstring0, load0, byte, type = loadstring, load, string.byte, type
function loadstring(s, name)
  if type(s) == 'string' and byte(s) == 27 then return loadstring0(' ' .. s, name or s) end
  return loadstring0(s, name)
end
function load(f, name)
  if type(f) ~= 'function' then return load0(f, name) end
  local isFirst = true
  return load0(function()
    local s = f()
    if isFirst and type(s) == 'string' and #s > 0 then
      isFirst = false
      if byte(s) == 27 then s = ' ' .. s end
    end
    return s
  end, name)
end
function __redis__err__handler(err) return err end
`;

export function openStandard(lua: LuaInstance, random: RandomNumbers): void {
  const { raw, state } = lua;
  const openers = [
    ["", (caller: State) => raw.luaopen_base(caller)],
    ["table", (caller: State) => raw.luaopen_table(caller)],
    ["string", (caller: State) => raw.luaopen_string(caller)],
    ["math", (caller: State) => raw.luaopen_math(caller)],
  ] as const;
  const first = lua.addFunctions(openers.map(([, open]) => open));
  for (const [index, [name]] of openers.entries()) {
    raw.lua_pushcclosure(state, first + index, 0);
    lua.pushText(state, name);
    raw.lua_call(state, 1, 0);
  }
  runChunk(lua, prelude);
  for (const name of removed) {
    raw.lua_pushnil(state);
    lua.setGlobal(name);
  }
  raw.lua_pushvalue(state, globalsIndex);
  defineFields(lua, { pcall: (caller) => protectedCall(lua, caller) });
  lua.pop(state);
  raw.lua_getfield(state, globalsIndex, lua.name("math"));
  defineFields(lua, {
    random: (caller) => mathRandom(lua, caller, random),
    randomseed: (caller) => {
      random.seed(lua.raw.luaL_checkinteger(caller, 1));
      return 0;
    },
  });
  lua.pop(state);
}

/** A script's own coroutine looks to it like no coroutine: redis runs scripts in the main state. */
export function hideCoroutine(lua: LuaInstance, isScript: (state: State) => boolean): void {
  const { raw, state } = lua;
  raw.lua_getfield(state, globalsIndex, lua.name("coroutine"));
  raw.lua_getfield(state, -1, lua.name("running"));
  const running = raw.luaL_ref(state, -10000);
  defineFields(lua, {
    running: (caller) => {
      if (isScript(caller)) raw.lua_pushnil(caller);
      else {
        raw.lua_rawgeti(caller, -10000, running);
        raw.lua_call(caller, 0, 1);
      }
      return 1;
    },
    yield: (caller) => {
      if (isScript(caller))
        return lua.raiseText(caller, "attempt to yield across metamethod/C-call boundary", 0);
      return raw.lua_yield(caller, raw.lua_gettop(caller));
    },
  });
  lua.pop(state);
}

function runChunk(lua: LuaInstance, text: string): void {
  const { raw, state } = lua;
  lua.pushText(state, text);
  const at = lua.string(state, -1);
  if (raw.luaL_loadbuffer(state, at, lua.stringBytes, lua.name("=prelude")) !== luaStatus.ok)
    throw new Error(`compiles the prelude: ${lua.text(state, -1)}`);
  raw.lua_call(state, 0, 0);
  lua.pop(state);
}

/** As redis's own: of an error that is a table with a text, the text alone is returned. */
function protectedCall(lua: LuaInstance, state: State): number {
  const { raw } = lua;
  const count = raw.lua_gettop(state);
  if (count === 0) return lua.argumentError(state, 1, "value expected");
  raw.lua_pushboolean(state, 1);
  raw.lua_insert(state, 1);
  if (raw.lua_pcall(state, count - 1, allResults, 0) === luaStatus.ok) return raw.lua_gettop(state);
  raw.lua_pushboolean(state, 0);
  raw.lua_insert(state, -2);
  if (lua.isTable(state, -1)) {
    const type = lua.rawField(state, -1, "err");
    if (type === luaType.string || type === luaType.number) raw.lua_remove(state, -2);
    else lua.pop(state);
  }
  return 2;
}

/** As redis's own. */
function mathRandom(lua: LuaInstance, state: State, random: RandomNumbers): number {
  const { raw } = lua;
  const chance = random.next();
  const count = raw.lua_gettop(state);
  if (count === 0) raw.lua_pushnumber(state, chance);
  else if (count === 1) {
    const most = raw.luaL_checkinteger(state, 1);
    if (most < 1) return lua.argumentError(state, 1, "interval is empty");
    raw.lua_pushnumber(state, Math.floor(chance * most) + 1);
  } else if (count === 2) {
    const least = raw.luaL_checkinteger(state, 1);
    const most = raw.luaL_checkinteger(state, 2);
    if (least > most) return lua.argumentError(state, 2, "interval is empty");
    // C counts them in an `int` too.
    raw.lua_pushnumber(state, Math.floor(chance * ((most - least + 1) | 0)) + least);
  } else return lua.raiseText(state, "wrong number of arguments");
  return 1;
}

/** Gives the table on top of the stack a metatable by which reading what it has not is an error. */
export function protectMissing(lua: LuaInstance): void {
  const { raw, state } = lua;
  raw.lua_createtable(state, 0, 1);
  const missing = lua.addFunctions([
    (caller) => {
      const name = lua.text(caller, 2);
      if (name === undefined)
        return lua.raiseText(caller, "Second argument to luaProtectedTableError must be a string or number");
      return lua.raiseText(caller, `Script attempted to access nonexistent global variable '${name}'`);
    },
  ]);
  raw.lua_pushcclosure(state, missing, 0);
  lua.setField(state, "__index");
  lua.setReadOnly(-1);
  raw.lua_setmetatable(state, -2);
}

/** Locks the globals, with all tables in them and their metatables. */
export function protect(lua: LuaInstance): void {
  const { raw, state } = lua;
  raw.lua_pushvalue(state, globalsIndex);
  protectMissing(lua);
  raw.lua_pushnil(state);
  while (raw.lua_next(state, -2) !== 0) {
    if (lua.isTable(state, -1)) lua.setReadOnly(-1);
    lua.pop(state);
  }
  lua.setReadOnly(-1);
  lua.pop(state);
  lua.pushText(state, "");
  raw.lua_getmetatable(state, -1);
  lua.setReadOnly(-1);
  lua.pop(state, 2);
}
