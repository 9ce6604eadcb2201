/** `bit`: LuaBitOp. Numbers are 32 bits: of what is larger the lower ones count, fractions are rounded to even. */
import type { Definitions } from "../lua/define.ts";
import type { LuaFunction, LuaInstance } from "../lua/lua-instance.ts";
import type { State } from "../lua/raw-api.ts";

const digitsOf32Bits = 8;
/** 2^52 + 2^51: added to a number, it shifts the integer part to the lower bits. */
const shifter = 6755399441055744;
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

export function bitLibrary(lua: LuaInstance): Definitions {
  const { raw } = lua;
  const bits = (state: State, index: number): number => {
    double[0] = raw.luaL_checknumber(state, index) + shifter;
    return halves[0]!;
  };
  const one = (work: (value: number) => number): LuaFunction => {
    return (state) => {
      raw.lua_pushnumber(state, work(bits(state, 1)) | 0);
      return 1;
    };
  };
  const many = (work: (a: number, b: number) => number): LuaFunction => {
    return (state) => {
      let value = bits(state, 1);
      for (let index = raw.lua_gettop(state); index > 1; index--) value = work(value, bits(state, index));
      raw.lua_pushnumber(state, value | 0);
      return 1;
    };
  };
  const shift = (work: (value: number, by: number) => number): LuaFunction => {
    return (state) => {
      const value = bits(state, 1);
      raw.lua_pushnumber(state, work(value, bits(state, 2) & 31) | 0);
      return 1;
    };
  };
  return {
    tobit: one((value) => value),
    bnot: one((value) => ~value),
    bswap: one(
      (value) => (value >>> 24) | ((value >>> 8) & 0xff00) | ((value & 0xff00) << 8) | (value << 24),
    ),
    band: many((a, b) => a & b),
    bor: many((a, b) => a | b),
    bxor: many((a, b) => a ^ b),
    lshift: shift((value, by) => value << by),
    rshift: shift((value, by) => value >>> by),
    arshift: shift((value, by) => value >> by),
    rol: shift((value, by) => (value << by) | (value >>> (32 - by))),
    ror: shift((value, by) => (value >>> by) | (value << (32 - by))),
    tohex: (state) => {
      const value = bits(state, 1);
      const wanted = raw.lua_gettop(state) < 2 ? digitsOf32Bits : bits(state, 2);
      const text = (value >>> 0).toString(16).padStart(digitsOf32Bits, "0");
      const count = Math.min(Math.abs(wanted), digitsOf32Bits);
      const digits = text.slice(digitsOf32Bits - count);
      lua.pushText(state, wanted < 0 ? digits.toUpperCase() : digits);
      return 1;
    },
  };
}
