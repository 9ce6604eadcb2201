/**
 * What a script returns, as the reply that redis makes of it: the reverse of reply-to-lua.ts.
 *
 * Numbers are cut to integers, an array ends at its first nil. Invariant: one whole reply is written, of at most
 * `redisReplyBytesMax` bytes; all that looks into tables does so without metamethods, so no script runs meanwhile.
 */
import { limits } from "../../../../base/limits.ts";
import { replyTooLarge, RedisError } from "../../core/errors.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";
import { luaType, type State } from "../lua/raw-api.ts";
import { truncated } from "../lua/numbers.ts";
import type { ReplyWriter, RespVersion } from "../../wire/reply-writer.ts";

/** Places of Lua's stack that one level takes: redis asks for as many. */
const placesOfLevel = 4;
/** Tables within tables. A level takes some frames of our own stack, which ends before Lua's: a table may hold itself. */
const levelsMax = 500;

export interface ReplyTarget {
  readonly reply: ReplyWriter;
  /** What the script has asked its replies to be in, by redis.setresp. */
  readonly version: RespVersion;
  /** Counts an error for INFO. */
  countError(text: string): void;
  /** An error has been written, counted or not: the call has failed. */
  hasFailed: boolean;
}

/** Writes the value on top of the stack, and takes it. `level`: within so many tables. */
export function writeLuaValue(lua: LuaInstance, state: State, target: ReplyTarget, level = 0): void {
  const { raw } = lua;
  const { reply } = target;
  if (reply.out.length > limits.redisReplyBytesMax) throw replyTooLarge();
  if (level > levelsMax || raw.lua_checkstack(state, placesOfLevel) === 0) {
    lua.pop(state);
    throw new RedisError("ERR reached lua stack limit");
  }
  switch (raw.lua_type(state, -1)) {
    case luaType.string: {
      const at = lua.string(state, -1);
      reply.bulk(lua.bytes, at, at + lua.stringBytes);
      break;
    }
    case luaType.number:
      writeInteger(reply, raw.lua_tonumber(state, -1));
      break;
    case luaType.boolean: {
      const isTrue = raw.lua_toboolean(state, -1) !== 0;
      if (target.version === 3) reply.boolean(isTrue);
      else if (isTrue) reply.integer(1);
      else reply.null();
      break;
    }
    case luaType.table:
      writeTable(lua, state, target, level + 1);
      break;
    default:
      reply.null();
  }
  lua.pop(state);
}

function writeInteger(reply: ReplyWriter, value: number): void {
  const whole = truncated(value);
  if (typeof whole === "number") reply.integer(whole);
  else reply.bigInteger(whole);
}

/** Writes the table on top of the stack, and leaves it. `level` is that of its elements. */
function writeTable(lua: LuaInstance, state: State, target: ReplyTarget, level: number): void {
  const { raw } = lua;
  const { reply } = target;
  const has = (name: string, type: number): boolean => {
    if (lua.rawField(state, -1, name) === type) return true;
    lua.pop(state);
    return false;
  };
  if (has("err", luaType.string)) {
    const text = lua.text(state, -1)!;
    lua.pop(state);
    const isCounted = lua.rawField(state, -1, "ignore_error_stats_update") === luaType.nil;
    lua.pop(state);
    writeError(target, text, isCounted);
  } else if (has("ok", luaType.string)) {
    reply.simple(oneLine(lua.text(state, -1)!));
    lua.pop(state);
  } else if (has("double", luaType.number)) {
    reply.double(raw.lua_tonumber(state, -1));
    lua.pop(state);
  } else if (has("map", luaType.table)) {
    reply.map(countPairs(lua, state));
    writePairs(lua, state, target, true, level);
    lua.pop(state);
  } else if (has("set", luaType.table)) {
    reply.set(countPairs(lua, state));
    writePairs(lua, state, target, false, level);
    lua.pop(state);
  } else if (has("big_number", luaType.string)) {
    reply.bigNumberText(oneLine(lua.text(state, -1)!));
    lua.pop(state);
  } else if (has("verbatim_string", luaType.table)) {
    const isWritten = writeVerbatim(lua, state, reply);
    lua.pop(state);
    if (!isWritten) writeArray(lua, state, target, level);
  } else writeArray(lua, state, target, level);
}

/** An error that a script has returned or raised. Its text is Latin-1. */
export function writeError(target: ReplyTarget, text: string, isCounted: boolean): void {
  const line = oneLine(text.replace(/[\r\n]+$/, ""));
  if (isCounted) target.countError(line);
  target.hasFailed = true;
  target.reply.errorLatin1(line);
}

function oneLine(text: string): string {
  return text.replaceAll("\r", " ").replaceAll("\n", " ");
}

function countPairs(lua: LuaInstance, state: State): number {
  const { raw } = lua;
  let count = 0;
  raw.lua_pushnil(state);
  while (raw.lua_next(state, -2) !== 0) {
    lua.pop(state);
    count++;
  }
  return count;
}

function writePairs(
  lua: LuaInstance,
  state: State,
  target: ReplyTarget,
  withValues: boolean,
  level: number,
): void {
  const { raw } = lua;
  raw.lua_pushnil(state);
  while (raw.lua_next(state, -2) !== 0) {
    if (!withValues) lua.pop(state);
    // A copy of the key: what is written is taken, and `lua_next` needs it again.
    raw.lua_pushvalue(state, withValues ? -2 : -1);
    writeLuaValue(lua, state, target, level);
    if (withValues) writeLuaValue(lua, state, target, level);
  }
}

/** False where the table is no verbatim text. */
function writeVerbatim(lua: LuaInstance, state: State, reply: ReplyWriter): boolean {
  let isWritten = false;
  if (lua.rawField(state, -1, "format") === luaType.string) {
    const format = lua.text(state, -1)!;
    if (lua.rawField(state, -2, "string") === luaType.string) {
      const at = lua.string(state, -1);
      reply.verbatimBytes(format, lua.bytes, at, at + lua.stringBytes);
      isWritten = true;
    }
    lua.pop(state);
  }
  lua.pop(state);
  return isWritten;
}

/** Counts first, since the count stands in front: two reads of a field cost less than moving what is written. */
function writeArray(lua: LuaInstance, state: State, target: ReplyTarget, level: number): void {
  const { raw } = lua;
  let count = 0;
  for (;;) {
    raw.lua_rawgeti(state, -1, count + 1);
    const type = raw.lua_type(state, -1);
    lua.pop(state);
    if (type === luaType.nil) break;
    count++;
  }
  target.reply.array(count);
  for (let i = 1; i <= count; i++) {
    raw.lua_rawgeti(state, -1, i);
    writeLuaValue(lua, state, target, level);
  }
}
