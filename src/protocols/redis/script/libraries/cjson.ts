/**
 * `cjson`: lua-cjson 2.1. The functions and their settings; encoding and decoding are cjson-encode.ts and cjson-decode.ts.
 *
 * Settings live in Lua, as an upvalue of all functions of one module: `cjson.new()` makes another module. As in redis they last
 * until the machine is replaced.
 */
import type { LuaFunction, LuaInstance } from "../lua/lua-instance.ts";
import { luaType, upvalueIndex, type State } from "../lua/raw-api.ts";
import { JsonDecoder } from "./cjson-decode.ts";
import { JsonEncoder } from "./cjson-encode.ts";

/** Places of the settings, 32-bit numbers in one block of memory. */
export const setting = {
  sparseConvert: 0,
  sparseRatio: 1,
  sparseSafe: 2,
  encodeDepth: 3,
  decodeDepth: 4,
  invalidNumbersEncoded: 5,
  invalidNumbersDecoded: 6,
  precision: 7,
  keepBuffer: 8,
} as const;

export type SettingName = keyof typeof setting;

const initial: Readonly<Record<SettingName, number>> = {
  sparseConvert: 0,
  sparseRatio: 2,
  sparseSafe: 10,
  encodeDepth: 1000,
  decodeDepth: 1000,
  invalidNumbersEncoded: 0,
  invalidNumbersDecoded: 1,
  precision: 14,
  keepBuffer: 1,
};
const settingBytes = 4 * Object.keys(setting).length;
const intMax = 2147483647;
const precisionMax = 14;
const onOff = ["off", "on"] as const;
const onOffNull = ["off", "on", "null"] as const;

/** Reads settings of the module whose function runs. */
export class JsonSettings {
  readonly #lua: LuaInstance;
  #at = 0;

  constructor(lua: LuaInstance) {
    this.#lua = lua;
  }

  /** The function that `state` runs is the module's. */
  of(state: State): this {
    this.#at = this.#lua.raw.lua_touserdata(state, upvalueIndex);
    return this;
  }

  get(name: SettingName): number {
    return this.#lua.words[(this.#at >> 2) + setting[name]]! | 0;
  }

  set(name: SettingName, value: number): void {
    this.#lua.words[(this.#at >> 2) + setting[name]] = value;
  }
}

export function defineJson(lua: LuaInstance): void {
  const { raw } = lua;
  const settings = new JsonSettings(lua);

  /** Pushes what is missing, so that each setting has an argument. */
  const takeArguments = (state: State, count: number): void => {
    if (raw.lua_gettop(state) > count) lua.argumentError(state, count + 1, "found too many arguments");
    raw.lua_settop(state, count);
  };
  const integerSetting = (
    state: State,
    index: number,
    name: SettingName,
    least: number,
    most: number,
  ): void => {
    if (raw.lua_type(state, index) !== luaType.nil) {
      const value = raw.luaL_checkinteger(state, index);
      if (value < least || value > most)
        lua.argumentError(state, 1, `expected integer between ${least} and ${most}`);
      settings.set(name, value);
    }
    raw.lua_pushnumber(state, settings.get(name));
  };
  const choiceSetting = (
    state: State,
    index: number,
    name: SettingName,
    choices: readonly string[],
  ): void => {
    const type = raw.lua_type(state, index);
    if (type === luaType.boolean) settings.set(name, raw.lua_toboolean(state, index));
    else if (type !== luaType.nil) {
      const at = raw.luaL_checklstring(state, index, lua.lengthAt);
      const choice = lua.bytes.latin1Slice(at, at + lua.stringBytes);
      if (!choices.includes(choice)) lua.argumentError(state, index, `invalid option '${choice}'`);
      settings.set(name, choices.indexOf(choice));
    }
    const value = settings.get(name);
    if (value <= 1) raw.lua_pushboolean(state, value);
    else lua.pushText(state, choices[value]!);
  };
  const one = (name: SettingName, least: number, most: number): LuaFunction => {
    return (state) => {
      settings.of(state);
      takeArguments(state, 1);
      integerSetting(state, 1, name, least, most);
      return 1;
    };
  };
  const choice = (name: SettingName, choices: readonly string[]): LuaFunction => {
    return (state) => {
      settings.of(state);
      takeArguments(state, 1);
      choiceSetting(state, 1, name, choices);
      return 1;
    };
  };
  const functions: Readonly<Record<string, LuaFunction>> = {
    encode: (state) => new JsonEncoder(lua, settings.of(state)).encode(state),
    decode: (state) => new JsonDecoder(lua, settings.of(state)).decode(state),
    encode_sparse_array: (state) => {
      settings.of(state);
      takeArguments(state, 3);
      choiceSetting(state, 1, "sparseConvert", onOff);
      integerSetting(state, 2, "sparseRatio", 0, intMax);
      integerSetting(state, 3, "sparseSafe", 0, intMax);
      return 3;
    },
    encode_max_depth: one("encodeDepth", 1, intMax),
    decode_max_depth: one("decodeDepth", 1, intMax),
    encode_number_precision: one("precision", 1, precisionMax),
    encode_keep_buffer: choice("keepBuffer", onOff),
    encode_invalid_numbers: choice("invalidNumbersEncoded", onOffNull),
    decode_invalid_numbers: choice("invalidNumbersDecoded", onOff),
    new: (state) => {
      pushModule(state);
      return 1;
    },
  };
  const names = Object.keys(functions);
  const first = lua.addFunctions(Object.values(functions));

  function pushModule(state: State): void {
    raw.luaL_checkstack(state, 6, lua.name("too many modules"));
    raw.lua_createtable(state, 0, names.length + 3);
    const at = raw.lua_newuserdata(state, settingBytes);
    for (const [name, value] of Object.entries(initial))
      lua.words[(at >> 2) + setting[name as SettingName]] = value;
    for (const [index, name] of names.entries()) {
      raw.lua_pushvalue(state, -1);
      raw.lua_pushcclosure(state, first + index, 1);
      // Below: the settings, below them the module.
      lua.pushName(state, name);
      raw.lua_insert(state, -2);
      raw.lua_rawset(state, -4);
    }
    lua.pop(state);
    raw.lua_pushlightuserdata(state, 0);
    lua.setField(state, "null");
    lua.pushText(state, "cjson");
    lua.setField(state, "_NAME");
    lua.pushText(state, "2.1.0");
    lua.setField(state, "_VERSION");
  }

  pushModule(lua.state);
  lua.setGlobal("cjson");
}
