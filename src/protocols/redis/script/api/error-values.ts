/** Errors as scripts see them: tables with a field `err`, whose text begins with a code. */
import type { LuaInstance } from "../lua/lua-instance.ts";
import type { State } from "../lua/raw-api.ts";

/** The text of an error in the form "-CODE text", or of a text that has no code. */
export function errorText(given: string): string {
  const text = given.replace(/[\r\n]+$/, "");
  if (!text.startsWith("-")) return `ERR ${text}`;
  const blank = text.indexOf(" ");
  return blank < 0 ? `ERR ${text.slice(1)}` : text.slice(1);
}

/** Pushes an error that is no reply of a command. */
export function pushError(lua: LuaInstance, state: State, text: string): void {
  lua.raw.lua_createtable(state, 0, 1);
  lua.pushText(state, errorText(text));
  lua.setField(state, "err");
}

/** Raises it. */
export function raiseError(lua: LuaInstance, state: State, text: string): never {
  pushError(lua, state, text);
  return lua.raise(state);
}
