/**
 * A reply of redis as the Lua value that redis makes of it.
 *
 *     :1 -> 1    $ -> string    $-1, *-1 -> false    +OK -> {ok="OK"}    -ERR x -> {err="ERR x"}    * -> table
 *     RESP3: _ -> nil   # -> boolean   , -> {double=}   % -> {map={}}   ~ -> {set={m=true}}   ( -> {big_number=}
 *            = -> {verbatim_string={format=, string=}}
 *
 * Not here: who asked. The replies are our own, so they are whole and valid. Invariant: each call pushes one value.
 */
import { luaType, type RawLua, type State } from "../lua/raw-api.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { errorText } from "./error-values.ts";

/** Stack places that one level of a nested reply takes. */
const placesOfLevel = 6;
/** Numbers of so many digits are exact. */
const exactDigits = 15;

export class ReplyReader {
  readonly #lua: LuaInstance;
  readonly #raw: RawLua;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the reply's first byte is in Lua's memory. */
  #copy = 0;

  constructor(lua: LuaInstance) {
    this.#lua = lua;
    this.#raw = lua.raw;
  }

  /** Pushes what `bytes[0, length)` say. */
  push(state: State, bytes: Buffer, length: number): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#copy = this.#lua.scratch(length);
    bytes.copy(this.#lua.bytes, this.#copy, 0, length);
    this.#value(state);
    this.#lua.trimScratch();
  }

  #value(state: State): void {
    const raw = this.#raw;
    const kind = this.#bytes[this.#at]!;
    switch (kind) {
      case 0x3a:
        return raw.lua_pushnumber(state, this.#number());
      case 0x24:
        return this.#bulk(state);
      case 0x2a:
        return this.#array(state);
      case 0x2b:
        return this.#line(state, "ok");
      case 0x2d:
        return this.#error(state);
      case 0x5f:
        this.#skipLine();
        return raw.lua_pushnil(state);
      case 0x23: {
        raw.lua_pushboolean(state, this.#bytes[this.#at + 1] === 0x74 ? 1 : 0);
        return this.#skipLine();
      }
      case 0x2c: {
        raw.lua_createtable(state, 0, 1);
        raw.lua_pushnumber(state, this.#double());
        return this.#lua.setField(state, "double");
      }
      case 0x25:
        return this.#pairs(state, "map");
      case 0x7e:
        return this.#pairs(state, "set");
      case 0x28:
        return this.#line(state, "big_number");
      case 0x3d:
        return this.#verbatim(state);
      default:
        // Pushed messages never come within a command's reply.
        throw new Error(`a reply begins with byte ${kind}`);
    }
  }

  /** The number of a line, behind its mark. */
  #number(): number {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    const isNegative = bytes[at] === 0x2d;
    if (isNegative) at++;
    const first = at;
    let value = 0;
    for (let byte = bytes[at]!; byte !== 0x0d; byte = bytes[++at]!) value = value * 10 + byte - 0x30;
    // Rounded once, not with every digit.
    if (at - first > exactDigits) value = Number(bytes.latin1Slice(first, at));
    this.#at = at + 2;
    return isNegative ? -value : value;
  }

  #lineEnd(): number {
    let at = this.#at;
    while (this.#bytes[at] !== 0x0d) at++;
    return at;
  }

  #skipLine(): void {
    this.#at = this.#lineEnd() + 2;
  }

  #double(): number {
    const end = this.#lineEnd();
    const text = this.#bytes.latin1Slice(this.#at + 1, end);
    this.#at = end + 2;
    if (text === "inf") return Infinity;
    return text === "-inf" ? -Infinity : Number(text);
  }

  #bulk(state: State): void {
    const size = this.#number();
    if (size < 0) return this.#raw.lua_pushboolean(state, 0);
    this.#raw.lua_pushlstring(state, this.#copy + this.#at, size);
    this.#at += size + 2;
  }

  /** A table with the rest of the line in one field. */
  #line(state: State, field: string): void {
    const end = this.#lineEnd();
    this.#raw.lua_createtable(state, 0, 1);
    this.#raw.lua_pushlstring(state, this.#copy + this.#at + 1, end - this.#at - 1);
    this.#lua.setField(state, field);
    this.#at = end + 2;
  }

  #error(state: State): void {
    const end = this.#lineEnd();
    const text = errorText(this.#bytes.latin1Slice(this.#at, end));
    this.#at = end + 2;
    this.#raw.lua_createtable(state, 0, 1);
    // Not by `pushText`: the reply is in the scratch memory.
    pushLongText(this.#lua, state, text);
    this.#lua.setField(state, "err");
    this.#raw.lua_pushboolean(state, 1);
    this.#lua.setField(state, "ignore_error_stats_update");
  }

  #array(state: State): void {
    const raw = this.#raw;
    const count = this.#number();
    if (count < 0) return raw.lua_pushboolean(state, 0);
    raw.luaL_checkstack(state, placesOfLevel, 0);
    raw.lua_createtable(state, count, 0);
    for (let i = 1; i <= count; i++) {
      this.#value(state);
      raw.lua_rawseti(state, -2, i);
    }
  }

  #pairs(state: State, field: "map" | "set"): void {
    const raw = this.#raw;
    const count = this.#number();
    raw.luaL_checkstack(state, placesOfLevel, 0);
    raw.lua_createtable(state, 0, 1);
    raw.lua_createtable(state, 0, count);
    for (let i = 0; i < count; i++) {
      this.#value(state);
      if (raw.lua_type(state, -1) === luaType.nil) {
        // No key of a table. None of our replies has one.
        this.#lua.pop(state);
        continue;
      }
      if (field === "map") this.#value(state);
      else raw.lua_pushboolean(state, 1);
      raw.lua_rawset(state, -3);
    }
    this.#lua.setField(state, field);
  }

  #verbatim(state: State): void {
    const raw = this.#raw;
    const size = this.#number();
    const from = this.#copy + this.#at;
    raw.lua_createtable(state, 0, 1);
    raw.lua_createtable(state, 0, 2);
    raw.lua_pushlstring(state, from, 3);
    this.#lua.setField(state, "format");
    raw.lua_pushlstring(state, from + 4, size - 4);
    this.#lua.setField(state, "string");
    this.#lua.setField(state, "verbatim_string");
    this.#at += size + 2;
  }
}

/** Pushes text from memory of its own. */
function pushLongText(lua: LuaInstance, state: State, text: string): void {
  const at = lua.raw.malloc(text.length + 1);
  if (at === 0) return lua.raw.lua_pushlstring(state, lua.name("ERR not enough memory"), 21);
  lua.bytes.latin1Write(text, at);
  lua.raw.lua_pushlstring(state, at, text.length);
  lua.raw.free(at);
}
