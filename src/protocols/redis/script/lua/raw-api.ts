/**
 * The functions of Lua's C API that are called here, as the WebAssembly file exports them, and Lua's own constants. Types only.
 *
 * A state (`lua_State *`), a string and a function are addresses. What raises a Lua error throws: see lua-instance.ts.
 */

/** `lua_State *` */
export type State = number;

export interface RawLua {
  readonly memory: WebAssembly.Memory;
  /** The pattern budget: see wasm-patch.ts. */
  readonly budget: WebAssembly.Global<"i32">;
  setThrew(threw: number, value: number): void;
  stackSave(): number;
  stackRestore(at: number): void;
  malloc(bytes: number): number;
  free(at: number): void;

  luaL_newstate(): State;
  lua_newthread(state: State): State;
  luaL_loadbuffer(state: State, at: number, bytes: number, name: number): number;
  lua_pcall(state: State, args: number, results: number, handler: number): number;
  lua_call(state: State, args: number, results: number): void;
  lua_resume(state: State, args: number): number;
  lua_yield(state: State, results: number): number;
  lua_error(state: State): never;
  lua_gc(state: State, what: number, data: number): number;
  lua_sethook(state: State, hook: number, mask: number, count: number): number;
  lua_getstack(state: State, level: number, record: number): number;
  lua_getinfo(state: State, what: number, record: number): number;
  luaL_where(state: State, level: number): void;
  luaL_checknumber(state: State, index: number): number;
  luaL_checkinteger(state: State, index: number): number;
  luaL_optinteger(state: State, index: number, otherwise: number): number;
  luaL_checklstring(state: State, index: number, length: number): number;
  luaL_argerror(state: State, index: number, text: number): never;
  luaL_checkstack(state: State, size: number, message: number): void;
  lua_checkstack(state: State, size: number): number;
  luaL_ref(state: State, table: number): number;
  luaL_unref(state: State, table: number, reference: number): void;

  lua_gettop(state: State): number;
  lua_settop(state: State, index: number): void;
  lua_pushvalue(state: State, index: number): void;
  lua_remove(state: State, index: number): void;
  lua_insert(state: State, index: number): void;
  lua_xmove(from: State, to: State, count: number): void;
  lua_type(state: State, index: number): number;
  lua_objlen(state: State, index: number): number;
  lua_tonumber(state: State, index: number): number;
  lua_toboolean(state: State, index: number): number;
  lua_tolstring(state: State, index: number, length: number): number;
  lua_touserdata(state: State, index: number): number;
  lua_topointer(state: State, index: number): number;

  lua_pushnil(state: State): void;
  lua_pushnumber(state: State, value: number): void;
  lua_pushboolean(state: State, value: number): void;
  lua_pushlstring(state: State, at: number, bytes: number): void;
  lua_newuserdata(state: State, bytes: number): number;
  lua_pushlightuserdata(state: State, at: number): void;
  lua_pushcclosure(state: State, place: number, upvalues: number): void;
  lua_concat(state: State, count: number): void;

  lua_createtable(state: State, items: number, fields: number): void;
  lua_gettable(state: State, index: number): void;
  lua_settable(state: State, index: number): void;
  lua_rawget(state: State, index: number): void;
  lua_rawset(state: State, index: number): void;
  lua_rawgeti(state: State, index: number, at: number): void;
  lua_rawseti(state: State, index: number, at: number): void;
  lua_getfield(state: State, index: number, name: number): void;
  lua_setfield(state: State, index: number, name: number): void;
  lua_next(state: State, index: number): number;
  lua_setfenv(state: State, index: number): number;
  lua_setmetatable(state: State, index: number): number;
  lua_getmetatable(state: State, index: number): number;

  luaopen_base(state: State): number;
  luaopen_table(state: State): number;
  luaopen_string(state: State): number;
  luaopen_math(state: State): number;
}

export const registryIndex = -10000;
export const globalsIndex = -10002;
/** The first upvalue of the C function that runs. */
export const upvalueIndex = -10003;

export const luaType = {
  nil: 0,
  boolean: 1,
  lightUserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
} as const;

/** What lua_pcall, lua_resume and luaL_loadbuffer return. */
export const luaStatus = { ok: 0, yield: 1, runtime: 2, syntax: 3, memory: 4, handler: 5 } as const;

export const hookMask = { line: 4, count: 8 } as const;
