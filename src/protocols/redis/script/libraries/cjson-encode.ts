/** Lua values as JSON. Tables with keys 1 to n are arrays, with holes up to a bound; an empty one is an object. */
import { ByteWriter } from "../../../../base/bytes.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { generalText } from "../lua/numbers.ts";
import { luaType, type State } from "../lua/raw-api.ts";
import type { JsonSettings } from "./cjson.ts";

/** Above the greatest C int. */
const intEnd = 2 ** 31;
const quote = 0x22;
const shortEscapes = new Map<number, string>(
  ["\bb", "\tt", "\nn", "\ff", "\rr", '""', "//", "\\\\"].map((pair) => [pair.charCodeAt(0), `\\${pair[1]}`]),
);
/** By byte: what stands for it, where it does not stand for itself. */
const escapes: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const short = shortEscapes.get(byte);
  if (short !== undefined) return short;
  return byte < 32 || byte === 127 ? `\\u${byte.toString(16).padStart(4, "0")}` : undefined;
});

export class JsonEncoder {
  readonly #lua: LuaInstance;
  readonly #settings: JsonSettings;
  readonly #out = new ByteWriter();

  constructor(lua: LuaInstance, settings: JsonSettings) {
    this.#lua = lua;
    this.#settings = settings;
  }

  encode(state: State): number {
    const lua = this.#lua;
    if (lua.raw.lua_gettop(state) !== 1) return lua.argumentError(state, 1, "expected 1 argument");
    this.#value(state, 0);
    lua.pushBytes(state, this.#out.buffer, 0, this.#out.length);
    return 1;
  }

  #refuse(state: State, index: number, reason: string): never {
    const lua = this.#lua;
    return lua.raiseText(state, `Cannot serialise ${lua.typeName(state, index)}: ${reason}`);
  }

  /** Writes the value on top of the stack, and leaves it. */
  #value(state: State, depth: number): void {
    const { raw } = this.#lua;
    const out = this.#out;
    switch (raw.lua_type(state, -1)) {
      case luaType.string:
        return this.#string(state, -1);
      case luaType.number:
        return this.#number(state, -1);
      case luaType.boolean:
        out.latin1(raw.lua_toboolean(state, -1) === 0 ? "false" : "true");
        return;
      case luaType.table:
        return this.#table(state, depth + 1);
      case luaType.nil:
        out.latin1("null");
        return;
      case luaType.lightUserdata:
        if (raw.lua_touserdata(state, -1) === 0) {
          out.latin1("null");
          return;
        }
        break;
      default:
    }
    this.#refuse(state, -1, "type not supported");
  }

  #string(state: State, index: number): void {
    const lua = this.#lua;
    const out = this.#out;
    const at = lua.string(state, index);
    const end = at + lua.stringBytes;
    const { bytes } = lua;
    lua.assertFits(state, out.length + end - at);
    out.ensure(end - at + 2);
    out.uint8(quote);
    let plain = at;
    let escapesWritten = 0;
    for (let i = at; i < end; i++) {
      const escape = escapes[bytes[i]!];
      if (escape === undefined) continue;
      if (i > plain) out.bytes(bytes, plain, i);
      out.latin1(escape);
      plain = i + 1;
      if ((escapesWritten++ & 0xffff) === 0) lua.assertFits(state, out.length);
    }
    if (end > plain) out.bytes(bytes, plain, end);
    out.uint8(quote);
  }

  #number(state: State, index: number): void {
    const value = this.#lua.raw.lua_tonumber(state, index);
    const invalid = this.#settings.get("invalidNumbersEncoded");
    if (!Number.isFinite(value)) {
      if (invalid === 0) this.#refuse(state, index, "must not be NaN or Inf");
      if (invalid === 2 || Number.isNaN(value)) {
        this.#out.latin1(invalid === 2 ? "null" : "nan");
        return;
      }
    }
    this.#out.latin1(generalText(value, this.#settings.get("precision")));
  }

  #table(state: State, depth: number): void {
    const lua = this.#lua;
    const { raw } = lua;
    if (depth > this.#settings.get("encodeDepth") || raw.lua_checkstack(state, 3) === 0)
      lua.raiseText(state, `Cannot serialise, excessive nesting (${depth})`);
    const length = this.#arrayLength(state);
    if (length > 0) this.#array(state, depth, length);
    else this.#object(state, depth);
  }

  /**
   * The greatest index of an array; below 0 for what is none. Redis keeps it in a C int, in which an index that is too large becomes the
   * least int: the next index that is met is greater.
   */
  #arrayLength(state: State): number {
    const lua = this.#lua;
    const { raw } = lua;
    let most = 0;
    let items = 0;
    raw.lua_pushnil(state);
    while (raw.lua_next(state, -2) !== 0) {
      const key = raw.lua_type(state, -2) === luaType.number ? raw.lua_tonumber(state, -2) : 0;
      if (!(Math.floor(key) === key && key >= 1)) {
        lua.pop(state, 2);
        return -1;
      }
      if (key > most) most = key < intEnd ? key : -intEnd;
      items++;
      lua.pop(state);
    }
    const ratio = this.#settings.get("sparseRatio");
    if (ratio > 0 && most > items * ratio && most > this.#settings.get("sparseSafe")) {
      if (this.#settings.get("sparseConvert") === 0) this.#refuse(state, -1, "excessively sparse array");
      return -1;
    }
    return most;
  }

  #array(state: State, depth: number, length: number): void {
    const lua = this.#lua;
    const out = this.#out;
    out.uint8(0x5b);
    for (let i = 1; i <= length; i++) {
      if (i > 1) out.uint8(0x2c);
      lua.raw.lua_rawgeti(state, -1, i);
      this.#value(state, depth);
      lua.pop(state);
    }
    out.uint8(0x5d);
  }

  #object(state: State, depth: number): void {
    const lua = this.#lua;
    const { raw } = lua;
    const out = this.#out;
    out.uint8(0x7b);
    let isFirst = true;
    raw.lua_pushnil(state);
    while (raw.lua_next(state, -2) !== 0) {
      if (!isFirst) out.uint8(0x2c);
      isFirst = false;
      const type = raw.lua_type(state, -2);
      if (type === luaType.number) {
        out.uint8(quote);
        this.#number(state, -2);
        out.uint8(quote);
      } else if (type === luaType.string) this.#string(state, -2);
      else this.#refuse(state, -2, "table key must be a number or string");
      out.uint8(0x3a);
      this.#value(state, depth);
      lua.pop(state);
    }
    out.uint8(0x7d);
  }
}
