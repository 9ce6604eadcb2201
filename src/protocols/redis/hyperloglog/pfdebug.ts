/** PFDEBUG GETREG | DECODE | ENCODING | TODENSE key: what is inside of a HyperLogLog. GETREG makes it dense, as in redis. */
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import {
  isSketchDense,
  registerAt,
  registerCount,
  Sketch,
  sketchHeaderBytes,
  spanAt,
  valueOf,
} from "./sketch.ts";
import { corruptedSketch, findSketch, storeSketch } from "./sketch-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const pfdebugCommand: CommandRow = {
  name: "pfdebug",
  arity: 3,
  flags: ["write", "denyoom", "admin"],
  keys: [oneKey(2, "RW", "access")],
  since: "2.8.9",
  summary: "Looks inside a HyperLogLog.",
  internal: true,
  run: pfdebug,
};

const sketch = new Sketch();

function pfdebug(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findSketch(context, database, 2);
  if (entry === 0) throw new RedisError("ERR The specified key does not exist");
  const { bytes, start } = database.table;
  if (request.is(1, "GETREG")) replyRegisters(context, database, entry);
  else if (request.is(1, "DECODE")) reply.bulkLatin1(decode(database));
  else if (request.is(1, "ENCODING")) reply.simple(isSketchDense(bytes, start) ? "dense" : "sparse");
  else if (request.is(1, "TODENSE")) reply.integer(makeDense(context, database, entry) ? 1 : 0);
  else throw new RedisError(`ERR Unknown PFDEBUG subcommand '${request.utf8(1)}'`);
}

/** Says whether it was sparse before. */
function makeDense(context: CommandContext, database: Database, entry: number): boolean {
  const { bytes, start, end } = database.table;
  if (isSketchDense(bytes, start)) return false;
  sketch.load(bytes, start, end);
  if (!sketch.makeDense()) throw corruptedSketch();
  storeSketch(context, database, 2, entry, sketch);
  return true;
}

function replyRegisters(context: CommandContext, database: Database, entry: number): void {
  makeDense(context, database, entry);
  findSketch(context, database, 2);
  const { bytes, start } = database.table;
  context.reply.array(registerCount);
  for (let i = 0; i < registerCount; i++)
    context.reply.integer(registerAt(bytes, start + sketchHeaderBytes, i));
}

function decode({ table: { bytes, start, end } }: Database): string {
  if (isSketchDense(bytes, start)) throw new RedisError("ERR HLL encoding is not sparse");
  const parts: string[] = [];
  for (let at = start + sketchHeaderBytes; at < end;) {
    const span = spanAt(bytes, at, end);
    const value = valueOf(bytes[at]!);
    const isLong = value === 0 && bytes[at]! >= 0x40;
    parts.push(value > 0 ? `v:${value},${span}` : `${isLong ? "Z" : "z"}:${span}`);
    at += isLong ? 2 : 1;
  }
  return parts.join(" ");
}
