/** SETBIT key offset value: replies what the bit was. The string grows as far as the bit, with zeros. */
import { rawString } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { findString, writableKeysOf } from "../keys/key-access.ts";
import { patchString } from "../string/patch-string.ts";
import { bitOffset } from "./bit-arguments.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const setbitCommand: CommandRow = {
  name: "setbit",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "2.2.0",
  complexity: "O(1)",
  summary: "Sets or clears one bit of a string.",
  makesValues: true,
  run: setbit,
};

const scratch = Buffer.alloc(1);

function setbit(context: CommandContext): void {
  const { request, reply } = context;
  const offset = bitOffset(request, 2);
  const bit = request.integer(3);
  if (bit !== 0 && bit !== 1) throw new RedisError("ERR bit is not an integer or out of range");
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const { table } = database;
  const at = Math.floor(offset / 8);
  const isInside = entry !== 0 && at < table.end - table.start;
  const byte = isInside ? table.bytes[table.start + at]! : 0;
  const mask = 0x80 >> (offset & 7);
  const changed = bit === 1 ? byte | mask : byte & ~mask;
  if (!isInside || changed !== byte) {
    scratch[0] = changed;
    patchString(context, database, entry, at, scratch, 0, 1);
    context.notify(keyEvents.setbit, 1);
  } else database.content.addFlag(entry, rawString);
  reply.integer((byte & mask) === 0 ? 0 : 1);
}
