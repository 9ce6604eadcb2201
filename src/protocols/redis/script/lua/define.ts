/** Puts JavaScript functions and constants into Lua tables and globals. Runs while a machine is set up. */
import type { LuaFunction, LuaInstance } from "./lua-instance.ts";

export type Definitions = Readonly<Record<string, LuaFunction | number | string>>;

/** Adds the definitions to the table on top of the main state's stack. */
export function defineFields(lua: LuaInstance, definitions: Definitions): void {
  const { raw, state } = lua;
  const functions = Object.values(definitions).filter((value) => typeof value === "function");
  let place = lua.addFunctions(functions);
  for (const [name, value] of Object.entries(definitions)) {
    if (typeof value === "function") raw.lua_pushcclosure(state, place++, 0);
    else if (typeof value === "number") raw.lua_pushnumber(state, value);
    else lua.pushText(state, value);
    lua.setField(state, name);
  }
}

/** Makes a global table of them. */
export function defineLibrary(lua: LuaInstance, name: string, definitions: Definitions): void {
  lua.raw.lua_createtable(lua.state, 0, Object.keys(definitions).length);
  defineFields(lua, definitions);
  lua.setGlobal(name);
}
