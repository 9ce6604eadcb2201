/** The libraries that redis gives to scripts beside Lua's own. */
import type { LuaInstance } from "../lua/lua-instance.ts";

export function defineLibraries(_lua: LuaInstance): void {}
