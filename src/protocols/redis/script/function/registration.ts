/** `redis.register_function`, which a library's code calls while it is loaded: by place or by name. Texts are redis's. */
import { raiseError } from "../api/error-values.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { luaType, registryIndex, type State } from "../lua/raw-api.ts";
import { isFlagName, type FlagName } from "../run/shebang.ts";
import { functionKey, isGoodName, type LibraryFunction } from "./library.ts";

interface Given {
  name?: string;
  description?: string;
  flags?: Set<FlagName>;
  reference?: number;
}

/** Registers a function with the library that is loaded; null outside of a load. */
export function registerFunction(
  lua: LuaInstance,
  state: State,
  functions: Map<string, LibraryFunction> | null,
): number {
  const { raw } = lua;
  const refuse = (text: string): never => raiseError(lua, state, text);
  if (functions === null)
    return refuse("redis.register_function can only be called on FUNCTION LOAD command");
  const count = raw.lua_gettop(state);
  if (count < 1 || count > 2) return refuse("wrong number of arguments to redis.register_function");
  const given = count === 1 ? named(lua, state, refuse) : placed(lua, state, refuse);
  if (!isGoodName(given.name))
    return refuse(
      "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
    );
  if (functions.has(functionKey(given.name))) return refuse("Function already exists in the library");
  functions.set(functionKey(given.name), {
    name: given.name,
    description: given.description ?? null,
    flags: given.flags ?? new Set(),
    reference: given.reference,
  });
  return 0;
}

type Whole = Given & { name: string; reference: number };

function placed(lua: LuaInstance, state: State, refuse: (text: string) => never): Whole {
  const { raw } = lua;
  const name = textOrNumber(lua, state, 1);
  if (name === undefined) return refuse("first argument to redis.register_function must be a string");
  if (raw.lua_type(state, 2) !== luaType.function)
    return refuse("second argument to redis.register_function must be a function");
  return { name, reference: raw.luaL_ref(state, registryIndex) };
}

function named(lua: LuaInstance, state: State, refuse: (text: string) => never): Whole {
  const { raw } = lua;
  if (!lua.isTable(state, 1))
    return refuse(
      "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
    );
  const given: Given = {};
  raw.lua_pushnil(state);
  while (raw.lua_next(state, -2) !== 0) {
    const key = textOrNumber(lua, state, -2);
    if (key === undefined)
      return refuse("named argument key given to redis.register_function is not a string");
    takeNamed(lua, state, key, given, refuse);
    lua.pop(state);
  }
  const { name, reference } = given;
  if (name === undefined) return refuse("redis.register_function must get a function name argument");
  if (reference === undefined) return refuse("redis.register_function must get a callback argument");
  return { ...given, name, reference };
}

/** Takes the argument `key`, whose value is on top of the stack. */
function takeNamed(
  lua: LuaInstance,
  state: State,
  key: string,
  given: Given,
  refuse: (text: string) => never,
): void {
  const { raw } = lua;
  const text = (): string =>
    textOrNumber(lua, state, -1) ??
    refuse(`${key} argument given to redis.register_function must be a string`);
  switch (key.toLowerCase()) {
    case "function_name":
      given.name = text();
      return;
    case "description":
      given.description = text();
      return;
    case "callback":
      if (raw.lua_type(state, -1) !== luaType.function)
        refuse("callback argument given to redis.register_function must be a function");
      raw.lua_pushvalue(state, -1);
      given.reference = raw.luaL_ref(state, registryIndex);
      return;
    case "flags":
      if (!lua.isTable(state, -1))
        refuse("flags argument to redis.register_function must be a table representing function flags");
      given.flags = readFlags(lua, state, refuse);
      return;
    default:
      refuse("unknown argument given to redis.register_function");
  }
}

function readFlags(lua: LuaInstance, state: State, refuse: (text: string) => never): Set<FlagName> {
  const { raw } = lua;
  const flags = new Set<FlagName>();
  for (let index = 1; ; index++) {
    raw.lua_rawgeti(state, -1, index);
    const type = raw.lua_type(state, -1);
    const name = type === luaType.string ? lua.text(state, -1)! : "";
    lua.pop(state);
    if (type === luaType.nil) return flags;
    if (!isFlagName(name)) refuse("unknown flag given");
    else flags.add(name);
  }
}

/** As `lua_isstring` has it: a number is a string too. */
function textOrNumber(lua: LuaInstance, state: State, index: number): string | undefined {
  const type = lua.raw.lua_type(state, index);
  if (type === luaType.string) return lua.text(state, index);
  return type === luaType.number ? String(lua.raw.lua_tonumber(state, index)) : undefined;
}
