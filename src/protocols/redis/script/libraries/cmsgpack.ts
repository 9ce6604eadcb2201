/**
 * `cmsgpack`: MessagePack as lua-cmsgpack 0.4 has it.
 *
 * A table is an array if its keys are 1 to n, all of them; a table below 16 others is nil (so a circle ends). Numbers that are
 * integers are packed as such. Invariant: nothing is read beyond the text; nesting is bounded by Lua's stack.
 */
import { ByteWriter } from "../../../../base/bytes.ts";
import type { Definitions } from "../lua/define.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { lowBits } from "../lua/numbers.ts";
import { luaType, type State } from "../lua/raw-api.ts";

const nestingMax = 16;
const intMax = 2 ** 31 - 1;
const missing = "Missing bytes in input.";
const badFormat = "Bad data format in input.";

export function cmsgpackLibrary(lua: LuaInstance): Definitions {
  const unpacker = new Unpacker(lua);
  const { raw } = lua;
  return {
    // One for each call: a metamethod may pack something meanwhile.
    pack: (state) => new Packer(lua).pack(state),
    unpack: (state) => unpacker.unpack(state, 0, 0),
    unpack_one: (state) => {
      const offset = lua.long(state, 2, 0);
      raw.lua_settop(state, 1);
      return unpacker.unpack(state, 1, offset);
    },
    unpack_limit: (state) => {
      const limit = lua.long(state, 2);
      const offset = lua.long(state, 3, 0);
      raw.lua_settop(state, 1);
      return unpacker.unpack(state, limit, offset);
    },
    _NAME: "cmsgpack",
    _VERSION: "lua-cmsgpack 0.4.0",
    _COPYRIGHT: "Copyright (C) 2012, Salvatore Sanfilippo",
    _DESCRIPTION: "MessagePack C implementation for Lua",
  };
}

class Packer {
  readonly #lua: LuaInstance;
  readonly #out = new ByteWriter();

  constructor(lua: LuaInstance) {
    this.#lua = lua;
  }

  pack(state: State): number {
    const lua = this.#lua;
    const { raw } = lua;
    const out = this.#out;
    const count = raw.lua_gettop(state);
    if (count === 0) return lua.argumentError(state, 0, "MessagePack pack needs input.");
    for (let index = 1; index <= count; index++) {
      raw.luaL_checkstack(state, 1, lua.name("in function mp_check"));
      raw.lua_pushvalue(state, index);
      this.#value(state, 0);
    }
    lua.pushBytes(state, out.buffer, 0, out.length);
    return 1;
  }

  /** Packs the value on top of the stack, and takes it. */
  #value(state: State, level: number): void {
    const lua = this.#lua;
    const { raw } = lua;
    const out = this.#out;
    switch (raw.lua_type(state, -1)) {
      case luaType.string:
        this.#string(state);
        break;
      case luaType.boolean:
        out.uint8(raw.lua_toboolean(state, -1) === 0 ? 0xc2 : 0xc3);
        break;
      case luaType.number:
        packNumber(out, raw.lua_tonumber(state, -1));
        break;
      case luaType.table:
        if (level === nestingMax) out.uint8(0xc0);
        else this.#table(state, level);
        break;
      default:
        out.uint8(0xc0);
    }
    lua.pop(state);
  }

  #string(state: State): void {
    const lua = this.#lua;
    const out = this.#out;
    const at = lua.string(state, -1);
    const size = lua.stringBytes;
    lua.assertFits(state, out.length + size);
    if (size < 32) out.uint8(0xa0 | size);
    else if (size <= 0xff) out.uint8(0xd9).uint8(size);
    else if (size <= 0xffff) out.uint8(0xda).uint16(size);
    else out.uint8(0xdb).uint32(size);
    out.bytes(lua.bytes, at, at + size);
  }

  #table(state: State, level: number): void {
    const lua = this.#lua;
    const { raw } = lua;
    raw.luaL_checkstack(state, 4, lua.name("in function mp_encode_lua_table"));
    const { isArray, count } = this.#count(state);
    header(this.#out, count, isArray ? 0x90 : 0x80, isArray ? 0xdc : 0xde);
    if (isArray) {
      for (let i = 1; i <= count; i++) {
        raw.lua_pushnumber(state, i);
        raw.lua_gettable(state, -2);
        this.#value(state, level + 1);
      }
      return;
    }
    raw.lua_pushnil(state);
    while (raw.lua_next(state, -2) !== 0) {
      raw.lua_pushvalue(state, -2);
      this.#value(state, level + 1);
      this.#value(state, level + 1);
    }
  }

  #count(state: State): { isArray: boolean; count: number } {
    const lua = this.#lua;
    const { raw } = lua;
    let count = 0;
    let most = 0;
    let isArray = true;
    raw.lua_pushnil(state);
    while (raw.lua_next(state, -2) !== 0) {
      lua.pop(state);
      count++;
      if (!isArray) continue;
      const key = raw.lua_type(state, -1) === luaType.number ? raw.lua_tonumber(state, -1) : 0;
      if (key > 0 && Number.isInteger(key) && key <= intMax) most = Math.max(most, key);
      else isArray = false;
    }
    return { isArray: isArray && most === count, count };
  }
}

function header(out: ByteWriter, count: number, short: number, long: number): void {
  if (count <= 15) out.uint8(short | count);
  else if (count <= 0xffff) out.uint8(long).uint16(count);
  else out.uint8(long + 1).uint32(count);
}

function packNumber(out: ByteWriter, value: number): void {
  if (!Number.isInteger(value) || value >= 2 ** 63 || value < -(2 ** 63)) {
    if (Math.fround(value) === value) out.uint8(0xca).float32(value);
    else out.uint8(0xcb).float64(value);
  } else if (value >= 0) {
    if (value <= 127) out.uint8(value);
    else if (value <= 0xff) out.uint8(0xcc).uint8(value);
    else if (value <= 0xffff) out.uint8(0xcd).uint16(value);
    else if (value <= 0xffffffff) out.uint8(0xce).uint32(value);
    else out.uint8(0xcf).bigInt64(BigInt(value));
  } else if (value >= -32) out.uint8(value & 0xff);
  else if (value >= -128) out.uint8(0xd0).int8(value);
  else if (value >= -32768) out.uint8(0xd1).int16(value);
  else if (value >= -2147483648) out.uint8(0xd2).int32(value);
  else out.uint8(0xd3).bigInt64(BigInt(value));
}

class Unpacker {
  readonly #lua: LuaInstance;
  #start = 0;
  #at = 0;
  #end = 0;

  constructor(lua: LuaInstance) {
    this.#lua = lua;
  }

  unpack(state: State, limit: number, offset: number): number {
    const lua = this.#lua;
    const { raw } = lua;
    const text = raw.luaL_checklstring(state, 1, lua.lengthAt);
    const length = lua.stringBytes;
    const isAll = limit === 0 && offset === 0;
    if (offset < 0 || limit < 0)
      return lua.raiseText(
        state,
        `Invalid request to unpack with offset of ${lowBits(offset)} and limit of ${length}.`,
      );
    if (offset > length)
      return lua.raiseText(state, `Start offset ${lowBits(offset)} greater than input length ${length}.`);
    this.#start = text;
    this.#at = text + offset;
    this.#end = text + length;
    const most = isAll ? Infinity : limit;
    let count = 0;
    for (; this.#at < this.#end && count < most; count++) this.#value(state);
    if (isAll) return count;
    raw.luaL_checkstack(state, 1, lua.name("in function mp_unpack_full"));
    raw.lua_pushnumber(state, this.#at === this.#end ? -1 : this.#at - this.#start);
    raw.lua_insert(state, 2);
    return count + 1;
  }

  /** Takes so many bytes, and returns where they are. */
  #take(state: State, size: number): number {
    const at = this.#at;
    if (size > this.#end - at) this.#lua.raiseText(state, missing);
    this.#at = at + size;
    return at;
  }

  #value(state: State): void {
    const lua = this.#lua;
    const { raw } = lua;
    raw.luaL_checkstack(
      state,
      4,
      lua.name("too many return values at once; use unpack_one or unpack_limit instead."),
    );
    const kind = lua.bytes[this.#take(state, 1)]!;
    if (kind < 0x80) return raw.lua_pushnumber(state, kind);
    if (kind >= 0xe0) return raw.lua_pushnumber(state, kind - 256);
    if (kind < 0x90) return this.#map(state, kind & 15);
    if (kind < 0xa0) return this.#array(state, kind & 15);
    if (kind < 0xc0) return this.#string(state, kind & 31);
    const at = (size: number): number => this.#take(state, size);
    switch (kind) {
      case 0xc0:
        return raw.lua_pushnil(state);
      case 0xc2:
      case 0xc3:
        return raw.lua_pushboolean(state, kind - 0xc2);
      case 0xca:
        return raw.lua_pushnumber(state, lua.bytes.readFloatBE(at(4)));
      case 0xcb:
        return raw.lua_pushnumber(state, lua.bytes.readDoubleBE(at(8)));
      case 0xcc:
        return raw.lua_pushnumber(state, lua.bytes[at(1)]!);
      case 0xcd:
        return raw.lua_pushnumber(state, lua.bytes.readUInt16BE(at(2)));
      case 0xce:
        return raw.lua_pushnumber(state, lua.bytes.readUInt32BE(at(4)));
      case 0xcf:
        return raw.lua_pushnumber(state, Number(lua.bytes.readBigUInt64BE(at(8))));
      case 0xd0:
        return raw.lua_pushnumber(state, lua.bytes.readInt8(at(1)));
      case 0xd1:
        return raw.lua_pushnumber(state, lua.bytes.readInt16BE(at(2)));
      case 0xd2:
        return raw.lua_pushnumber(state, lua.bytes.readInt32BE(at(4)));
      case 0xd3:
        return raw.lua_pushnumber(state, Number(lua.bytes.readBigInt64BE(at(8))));
      case 0xd9:
        return this.#string(state, lua.bytes[at(1)]!);
      case 0xda:
        return this.#string(state, lua.bytes.readUInt16BE(at(2)));
      case 0xdb:
        return this.#string(state, lua.bytes.readUInt32BE(at(4)));
      case 0xdc:
        return this.#array(state, lua.bytes.readUInt16BE(at(2)));
      case 0xdd:
        return this.#array(state, lua.bytes.readUInt32BE(at(4)));
      case 0xde:
        return this.#map(state, lua.bytes.readUInt16BE(at(2)));
      case 0xdf:
        return this.#map(state, lua.bytes.readUInt32BE(at(4)));
      default:
        lua.raiseText(state, badFormat);
    }
  }

  #string(state: State, size: number): void {
    const at = this.#take(state, size);
    this.#lua.raw.lua_pushlstring(state, at, size);
  }

  #array(state: State, count: number): void {
    const { raw } = this.#lua;
    raw.lua_createtable(state, 0, 0);
    for (let i = 1; i <= count; i++) {
      this.#value(state);
      raw.lua_rawseti(state, -2, i);
    }
  }

  #map(state: State, count: number): void {
    const { raw } = this.#lua;
    raw.lua_createtable(state, 0, 0);
    for (let i = 0; i < count; i++) {
      this.#value(state);
      this.#value(state);
      raw.lua_settable(state, -3);
    }
  }
}
