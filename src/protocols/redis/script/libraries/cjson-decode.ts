/**
 * JSON as Lua values. `null` is a light userdata, so that it stays in tables.
 *
 * Errors name the character, as lua-cjson does. Invariant: the text stays on Lua's stack while it is read, so its address is good
 * for strings without escapes; a zero byte ends the text.
 */
import { ByteWriter } from "../../../../base/bytes.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import type { State } from "../lua/raw-api.ts";
import type { JsonSettings } from "./cjson.ts";

type Kind =
  | "T_OBJ_BEGIN"
  | "T_OBJ_END"
  | "T_ARR_BEGIN"
  | "T_ARR_END"
  | "T_STRING"
  | "T_NUMBER"
  | "T_BOOLEAN"
  | "T_NULL"
  | "T_COLON"
  | "T_COMMA"
  | "T_END"
  | "T_ERROR";

const singles = new Map<number, Kind>([
  [0x7b, "T_OBJ_BEGIN"],
  [0x7d, "T_OBJ_END"],
  [0x5b, "T_ARR_BEGIN"],
  [0x5d, "T_ARR_END"],
  [0x3a, "T_COLON"],
  [0x2c, "T_COMMA"],
]);
/** Bytes with which words and numbers may begin. */
const unknownStarts = new Set(Buffer.from('fiInNt+-0123456789"'));
const unicodeEscape = 0x75;
/** What stands behind a backslash, by its letter. */
const escapes = new Map<number, number>(
  ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t", "uu"].map((pair) => [
    pair.charCodeAt(0),
    pair.charCodeAt(1),
  ]),
);
const decimal = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const hexadecimal = /([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?/iy;
const special = /[+-]?(?:inf(?:inity)?|nan(?:\([\w]*\))?)/iy;
/** Bytes that a number may have, in any of these forms. */
const numberBytes = new Set(Buffer.from("0123456789abcdefABCDEFxXpPiInNtTyY+-.()_"));

export class JsonDecoder {
  readonly #lua: LuaInstance;
  readonly #settings: JsonSettings;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the text is in Lua's memory. */
  #address = 0;
  #at = 0;
  #depth = 0;
  /** The token that was read last. */
  #kind: Kind = "T_END";
  #index = 0;
  #error = "";
  #number = 0;
  /** A string without escapes is a part of the text; another one is in `#unescaped`. */
  #stringStart = 0;
  #stringEnd = 0;
  #hasEscapes = false;
  readonly #unescaped = new ByteWriter();

  constructor(lua: LuaInstance, settings: JsonSettings) {
    this.#lua = lua;
    this.#settings = settings;
  }

  decode(state: State): number {
    const lua = this.#lua;
    const { raw } = lua;
    if (raw.lua_gettop(state) !== 1) return lua.argumentError(state, 1, "expected 1 argument");
    const at = raw.luaL_checklstring(state, 1, lua.lengthAt);
    const size = lua.stringBytes;
    this.#address = at;
    // A copy: Lua's memory may be replaced while values are pushed.
    this.#bytes = Buffer.from(lua.bytes.subarray(at, at + size));
    if (size >= 2 && (this.#bytes[0] === 0 || this.#bytes[1] === 0))
      return lua.raiseText(state, "JSON parser does not support UTF-16 or UTF-32");
    this.#next();
    this.#value(state);
    this.#next();
    if (this.#kind !== "T_END") this.#refuse(state, "the end");
    return 1;
  }

  #refuse(state: State, wanted: string): never {
    const found = this.#kind === "T_ERROR" ? this.#error : this.#kind;
    return this.#lua.raiseText(
      state,
      `Expected ${wanted} but found ${found} at character ${this.#index + 1}`,
    );
  }

  #byte(at: number): number {
    return this.#bytes[at] ?? 0;
  }

  #text(at: number, size: number): string {
    return this.#bytes.latin1Slice(at, Math.min(at + size, this.#bytes.length));
  }

  #fail(error: string): void {
    this.#kind = "T_ERROR";
    this.#index = this.#at;
    this.#error = error;
  }

  #next(): void {
    let byte = this.#byte(this.#at);
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#byte(++this.#at);
    this.#index = this.#at;
    if (byte === 0) {
      this.#kind = "T_END";
      return;
    }
    const single = singles.get(byte);
    if (single !== undefined) {
      this.#kind = single;
      this.#at++;
      return;
    }
    if (!unknownStarts.has(byte)) return this.#fail("invalid token");
    const takesInvalid = this.#settings.get("invalidNumbersDecoded") !== 0;
    if (byte === 0x22) return this.#string();
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      if (!takesInvalid && this.#isInvalidNumber()) return this.#fail("invalid number");
      return this.#numeric();
    }
    if (this.#word("true", "T_BOOLEAN", 1)) return;
    if (this.#word("false", "T_BOOLEAN", 0)) return;
    if (this.#word("null", "T_NULL", 0)) return;
    if (takesInvalid && this.#isInvalidNumber()) return this.#numeric();
    this.#fail("invalid token");
  }

  #word(text: string, kind: Kind, value: number): boolean {
    for (let i = 0; i < text.length; i++) if (this.#byte(this.#at + i) !== text.charCodeAt(i)) return false;
    this.#at += text.length;
    this.#kind = kind;
    this.#number = value;
    return true;
  }

  /** What JSON has not, but C reads as a number. */
  #isInvalidNumber(): boolean {
    let at = this.#at;
    if (this.#byte(at) === 0x2b) return true;
    if (this.#byte(at) === 0x2d) at++;
    const first = this.#byte(at);
    if (first === 0x30) {
      const second = this.#byte(at + 1);
      return (second | 0x20) === 0x78 || (second >= 0x30 && second <= 0x39);
    }
    if (first <= 0x39) return false;
    const word = this.#text(at, 3).toLowerCase();
    return word === "inf" || word === "nan";
  }

  /** As strtod reads it. */
  #numeric(): void {
    let end = this.#at;
    while (numberBytes.has(this.#byte(end))) end++;
    const text = this.#bytes.latin1Slice(this.#at, end);
    const match = matchAt(special, text) ?? matchAt(hexadecimal, text) ?? matchAt(decimal, text);
    if (match === undefined) return this.#fail("invalid number");
    this.#kind = "T_NUMBER";
    this.#number = numberOf(match);
    this.#at += match[0].length;
  }

  #string(): void {
    this.#at++;
    this.#stringStart = this.#at;
    this.#hasEscapes = false;
    const bytes = this.#bytes;
    let at = this.#at;
    for (;;) {
      const byte = bytes[at] ?? 0;
      if (byte === 0x22) break;
      if (byte === 0) {
        this.#at = at;
        return this.#fail("unexpected end of string");
      }
      if (byte !== 0x5c) {
        if (this.#hasEscapes) this.#unescaped.uint8(byte);
        at++;
        continue;
      }
      if (!this.#hasEscapes) {
        this.#hasEscapes = true;
        this.#unescaped.length = 0;
        this.#unescaped.bytes(bytes, this.#stringStart, at);
      }
      this.#at = at;
      const escape = escapes.get(this.#byte(at + 1));
      if (escape === undefined) return this.#fail("invalid escape code");
      if (escape === unicodeEscape) {
        const taken = this.#unicode(at);
        if (taken === 0) return this.#fail("invalid unicode escape code");
        at += taken;
        continue;
      }
      this.#unescaped.uint8(escape);
      at += 2;
    }
    this.#stringEnd = at;
    this.#at = at + 1;
    this.#kind = "T_STRING";
  }

  /** Appends what `\uXXXX` at `at` stands for. Returns how many bytes it takes; 0 where it is wrong. */
  #unicode(at: number): number {
    let point = this.#hexadecimal(at + 2);
    let taken = 6;
    if (point < 0) return 0;
    if ((point & 0xf800) === 0xd800) {
      if ((point & 0x400) !== 0) return 0;
      if (this.#byte(at + 6) !== 0x5c || this.#byte(at + 7) !== 0x75) return 0;
      const low = this.#hexadecimal(at + 8);
      if (low < 0 || (low & 0xfc00) !== 0xdc00) return 0;
      point = (((point & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
      taken = 12;
    }
    this.#unescaped.utf8(String.fromCodePoint(point));
    return taken;
  }

  #hexadecimal(at: number): number {
    const text = this.#text(at, 4);
    return /^[\da-f]{4}$/i.test(text) ? Number.parseInt(text, 16) : -1;
  }

  #pushString(state: State): void {
    if (this.#hasEscapes) this.#lua.pushBytes(state, this.#unescaped.buffer, 0, this.#unescaped.length);
    else
      this.#lua.raw.lua_pushlstring(
        state,
        this.#address + this.#stringStart,
        this.#stringEnd - this.#stringStart,
      );
  }

  /** Pushes the value that begins with the current token. */
  #value(state: State): void {
    const { raw } = this.#lua;
    switch (this.#kind) {
      case "T_STRING":
        return this.#pushString(state);
      case "T_NUMBER":
        return raw.lua_pushnumber(state, this.#number);
      case "T_BOOLEAN":
        return raw.lua_pushboolean(state, this.#number);
      case "T_NULL":
        return raw.lua_pushlightuserdata(state, 0);
      case "T_OBJ_BEGIN":
        return this.#object(state);
      case "T_ARR_BEGIN":
        return this.#array(state);
      default:
        this.#refuse(state, "value");
    }
  }

  #descend(state: State): void {
    this.#depth++;
    if (this.#depth <= this.#settings.get("decodeDepth") && this.#lua.raw.lua_checkstack(state, 3) !== 0)
      return;
    this.#lua.raiseText(
      state,
      `Found too many nested data structures (${this.#depth}) at character ${this.#at}`,
    );
  }

  #is(kind: Kind): boolean {
    return this.#kind === kind;
  }

  #object(state: State): void {
    const { raw } = this.#lua;
    this.#descend(state);
    raw.lua_createtable(state, 0, 0);
    this.#next();
    while (!this.#is("T_OBJ_END")) {
      if (!this.#is("T_STRING")) this.#refuse(state, "object key string");
      this.#pushString(state);
      this.#next();
      if (!this.#is("T_COLON")) this.#refuse(state, "colon");
      this.#next();
      this.#value(state);
      raw.lua_rawset(state, -3);
      this.#next();
      if (this.#is("T_OBJ_END")) break;
      if (!this.#is("T_COMMA")) this.#refuse(state, "comma or object end");
      this.#next();
      // A comma has to be followed by a key.
      if (this.#is("T_OBJ_END")) this.#refuse(state, "object key string");
    }
    this.#depth--;
  }

  #array(state: State): void {
    const { raw } = this.#lua;
    this.#descend(state);
    raw.lua_createtable(state, 0, 0);
    this.#next();
    for (let index = 1; !this.#is("T_ARR_END"); index++) {
      this.#value(state);
      raw.lua_rawseti(state, -2, index);
      this.#next();
      if (this.#is("T_ARR_END")) break;
      if (!this.#is("T_COMMA")) this.#refuse(state, "comma or array end");
      this.#next();
      if (this.#is("T_ARR_END")) this.#refuse(state, "value");
    }
    this.#depth--;
  }
}

function matchAt(pattern: RegExp, text: string): RegExpExecArray | undefined {
  pattern.lastIndex = 0;
  const match = pattern.exec(text);
  // `0x` without digits is a 0.
  if (match === null || (pattern === hexadecimal && (match[2] ?? "") + (match[3] ?? "") === ""))
    return undefined;
  return match;
}

function numberOf(match: RegExpExecArray): number {
  const [text, sign, whole, fraction = "", exponent = "0"] = match;
  if (whole !== undefined) {
    const digits = whole + fraction;
    const value =
      Number(BigInt(`0x${digits === "" ? "0" : digits}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
    return sign === "-" ? -value : value;
  }
  const lower = text.toLowerCase();
  if (lower.includes("nan")) return NaN;
  if (lower.includes("inf")) return lower.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}
