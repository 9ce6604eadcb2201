/**
 * `struct`: packs and unpacks C structures by a format, as on 64-bit Linux.
 *
 *     > < ! alignment   x padding   b B h H l L T i I integers   f d floats   c n characters   s text with its end
 *
 * Invariant: a format is read once from left to right; what it asks for is checked against the data before it is read.
 */
import { ByteWriter } from "../../../../base/bytes.ts";
import type { Definitions } from "../lua/define.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { luaType, type State } from "../lua/raw-api.ts";

const integerBytesMax = 32;
const intMax = 2 ** 31 - 1;
const defaultAlignment = 8;
const fixedSizes: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};
const integers = "bBhHlLTiI";
const mask64 = (1n << 64n) - 1n;
const scratch = new DataView(new ArrayBuffer(8));

interface Step {
  readonly option: string;
  size: number;
  readonly toAlign: number;
}

/** Reads a format option by option. */
class Format {
  readonly #lua: LuaInstance;
  readonly #state: State;
  readonly #text: string;
  #at = 0;
  isBig = false;
  #alignment = 1;

  constructor(lua: LuaInstance, state: State) {
    this.#lua = lua;
    this.#state = state;
    const at = lua.raw.luaL_checklstring(state, 1, lua.lengthAt);
    const text = lua.bytes.latin1Slice(at, at + lua.stringBytes);
    const end = text.indexOf("\0");
    this.#text = end < 0 ? text : text.slice(0, end);
  }

  /** The next option at that position of the data; undefined at the end. */
  next(position: number): Step | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const option = this.#text[this.#at++]!;
    const size = this.#size(option);
    return { option, size, toAlign: this.#toAlign(position, option, size) };
  }

  #number(otherwise: number): number {
    const first = this.#at;
    let value = 0;
    for (; isDigit(this.#text.charCodeAt(this.#at)); this.#at++) {
      value = value * 10 + this.#text.charCodeAt(this.#at) - 0x30;
      if (value > intMax) this.#lua.raiseText(this.#state, "integral size overflow");
    }
    return this.#at === first ? otherwise : value;
  }

  #size(option: string): number {
    if (option === "c") return this.#number(1);
    if (option === "i" || option === "I") {
      const size = this.#number(4);
      if (size > integerBytesMax) {
        const text = `integral size ${size} is larger than limit of ${integerBytesMax}`;
        this.#lua.raiseText(this.#state, text);
      }
      return size;
    }
    return fixedSizes[option] ?? 0;
  }

  #toAlign(position: number, option: string, size: number): number {
    if (size === 0 || option === "c") return 0;
    const unit = Math.min(size, this.#alignment);
    return (unit - (position & (unit - 1))) & (unit - 1);
  }

  /** An option that stands for no data. */
  control(option: string): void {
    if (option === " ") return;
    if (option === ">" || option === "<") this.isBig = option === ">";
    else if (option === "!") {
      const alignment = this.#number(defaultAlignment);
      if (alignment <= 0 || (alignment & (alignment - 1)) !== 0)
        this.#lua.raiseText(this.#state, `alignment ${alignment} is not a power of 2`);
      this.#alignment = alignment;
    } else this.#lua.argumentError(this.#state, 1, `invalid format option '${option}'`);
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function structLibrary(lua: LuaInstance): Definitions {
  return {
    pack: (state) => pack(lua, state),
    unpack: (state) => unpack(lua, state),
    size: (state) => sizeOf(lua, state),
  };
}

function pack(lua: LuaInstance, state: State): number {
  const { raw } = lua;
  const format = new Format(lua, state);
  const out = new ByteWriter();
  // So that an argument that is missing is a nil, as in redis.
  raw.lua_pushnil(state);
  let argument = 2;
  let total = 0;
  for (let step = format.next(total); step !== undefined; step = format.next(total)) {
    const { option, toAlign } = step;
    total += toAlign;
    for (let i = 0; i < toAlign; i++) out.uint8(0);
    if (integers.includes(option))
      putInteger(out, raw.luaL_checknumber(state, argument++), step.size, format.isBig);
    else if (option === "x") out.uint8(0);
    else if (option === "f" || option === "d") {
      const value = raw.luaL_checknumber(state, argument++);
      if (option === "f") scratch.setFloat32(0, value, !format.isBig);
      else scratch.setFloat64(0, value, !format.isBig);
      for (let i = 0; i < step.size; i++) out.uint8(scratch.getUint8(i));
    } else if (option === "c" || option === "s") {
      const at = raw.luaL_checklstring(state, argument++, lua.lengthAt);
      const length = lua.stringBytes;
      if (step.size === 0) step.size = length;
      if (length < step.size) lua.argumentError(state, argument, "string too short");
      lua.assertFits(state, out.length + step.size);
      out.bytes(lua.bytes, at, at + step.size);
      if (option === "s") {
        out.uint8(0);
        step.size++;
      }
    } else format.control(option);
    total += step.size;
  }
  lua.pushBytes(state, out.buffer, 0, out.length);
  return 1;
}

function putInteger(out: ByteWriter, value: number, bytes: number, isBig: boolean): void {
  let rest = asWord(value);
  const at = out.reserve(bytes);
  for (let i = 0; i < bytes; i++) {
    out.buffer[at + (isBig ? bytes - 1 - i : i)] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** As C casts a double to a 64-bit word on x86-64. */
function asWord(value: number): bigint {
  const whole = Math.trunc(value);
  if (Number.isNaN(whole)) return 1n << 63n;
  const isIn = whole < 0 ? whole >= -(2 ** 63) : whole < 2 ** 64;
  return isIn ? BigInt(whole) & mask64 : whole < 0 ? 1n << 63n : 0n;
}

function unpack(lua: LuaInstance, state: State): number {
  const { raw } = lua;
  const format = new Format(lua, state);
  const data = raw.luaL_checklstring(state, 2, lua.lengthAt);
  const length = lua.stringBytes;
  const offset = lua.long(state, 3, 1);
  if (offset === 0) lua.argumentError(state, 3, "offset must be 1 or greater");
  // A size in C: what is negative is beyond the end.
  let position = (offset < 0 ? 2 ** 64 + offset : offset) - 1;
  let count = 0;
  const assertThere = (size: number): void => {
    if (size > length || position > length - size) lua.argumentError(state, 2, "data string too short");
  };
  for (let step = format.next(position); step !== undefined; step = format.next(position)) {
    const { option } = step;
    position += step.toAlign;
    assertThere(step.size);
    raw.luaL_checkstack(state, 2, lua.name("too many results"));
    const at = data + position;
    if (integers.includes(option)) {
      const isSigned = option === option.toLowerCase();
      raw.lua_pushnumber(state, getInteger(lua.bytes, at, step.size, format.isBig, isSigned));
      count++;
    } else if (option === "f" || option === "d") {
      for (let i = 0; i < step.size; i++) scratch.setUint8(i, lua.bytes[at + i]!);
      const isLittle = !format.isBig;
      raw.lua_pushnumber(
        state,
        option === "f" ? scratch.getFloat32(0, isLittle) : scratch.getFloat64(0, isLittle),
      );
      count++;
    } else if (option === "c") {
      if (step.size === 0) {
        if (count === 0 || raw.lua_type(state, -1) !== luaType.number)
          lua.raiseText(state, "format 'c0' needs a previous size");
        step.size = Math.trunc(raw.lua_tonumber(state, -1));
        if (step.size < 0) step.size = Infinity;
        lua.pop(state);
        count--;
        assertThere(step.size);
      }
      raw.lua_pushlstring(state, at, step.size);
      count++;
    } else if (option === "s") {
      const end = lua.bytes.subarray(at, data + length).indexOf(0);
      if (end < 0) lua.raiseText(state, "unfinished string in data");
      raw.lua_pushlstring(state, at, end);
      step.size = end + 1;
      count++;
    } else if (option !== "x") format.control(option);
    position += step.size;
  }
  raw.lua_pushnumber(state, position + 1);
  return count + 1;
}

function getInteger(bytes: Buffer, at: number, size: number, isBig: boolean, isSigned: boolean): number {
  let value = 0n;
  for (let i = 0; i < size; i++)
    value = ((value << 8n) | BigInt(bytes[at + (isBig ? i : size - 1 - i)]!)) & mask64;
  if (!isSigned) return Number(value);
  return Number(BigInt.asIntN(Math.min(size * 8, 64), value));
}

function sizeOf(lua: LuaInstance, state: State): number {
  const format = new Format(lua, state);
  let position = 0;
  for (let step = format.next(position); step !== undefined; step = format.next(position)) {
    const { option } = step;
    if (option === "s") lua.argumentError(state, 1, "option 's' has no fixed size");
    if (option === "c" && step.size === 0) lua.argumentError(state, 1, "option 'c0' has no fixed size");
    if (!/[0-9a-z]/i.test(option)) format.control(option);
    position += step.toAlign + step.size;
  }
  lua.raw.lua_pushnumber(state, position);
  return 1;
}
