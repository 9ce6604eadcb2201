/** The libraries that redis gives to scripts beside Lua's own. */
import { defineLibrary } from "../lua/define.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { bitLibrary } from "./bit.ts";
import { defineJson } from "./cjson.ts";
import { cmsgpackLibrary } from "./cmsgpack.ts";
import { structLibrary } from "./struct.ts";

export function defineLibraries(lua: LuaInstance): void {
  defineJson(lua);
  defineLibrary(lua, "cmsgpack", cmsgpackLibrary(lua));
  defineLibrary(lua, "struct", structLibrary(lua));
  defineLibrary(lua, "bit", bitLibrary(lua));
}
