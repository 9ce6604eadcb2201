/** PFADD key [element ...]: replies 1 if a register was raised or the key is new. */
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import {
  cacheFlag,
  cacheFlagAt,
  elementRegister,
  elementRun,
  hashElement,
  hasCardinality,
  isSketchDense,
  registerAt,
  registerByte,
  setRegisterBits,
  Sketch,
  sketchHeaderBytes,
} from "./sketch.ts";
import { corruptedSketch, findSketch, storeSketch } from "./sketch-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const pfaddCommand: CommandRow = {
  name: "pfadd",
  arity: -2,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "insert")],
  since: "2.8.9",
  complexity: "O(1) for each element",
  summary: "Adds elements to a HyperLogLog.",
  makesValues: true,
  run: pfadd,
};

const sketch = new Sketch();
const scratch = Buffer.alloc(2);

function pfadd(context: CommandContext): void {
  const database = writableKeysOf(context);
  const entry = findSketch(context, database, 1);
  const isDense = entry !== 0 && isSketchDense(database.table.bytes, database.table.start);
  const isChanged = isDense ? addToDense(context, database, entry) : addToSparse(context, database, entry);
  if (isChanged) context.notify(keyEvents.pfadd, 1);
  context.reply.integer(isChanged ? 1 : 0);
}

/** In place: each register that changes is a patch of a byte or two, not of all 12 KiB. */
function addToDense({ request }: CommandContext, database: Database, entry: number): boolean {
  const { table } = database;
  const { buffer, starts, ends } = request;
  let isChanged = false;
  for (let index = 2; index < request.argumentCount; index++) {
    hashElement(buffer, starts[index]!, ends[index]!);
    const register = elementRegister;
    const run = elementRun;
    table.locate(entry);
    if (registerAt(table.bytes, table.start + sketchHeaderBytes, register) >= run) continue;
    const at = registerByte(register);
    const size = Math.min(2, table.end - table.start - at);
    table.bytes.copy(scratch, 0, table.start + at, table.start + at + size);
    setRegisterBits(scratch, 0, (register * 6) & 7, run);
    database.patch(entry, at, scratch, 0, size);
    isChanged = true;
  }
  if (!isChanged) return false;
  table.locate(entry);
  if (hasCardinality(table.bytes, table.start)) {
    scratch[0] = table.bytes[table.start + cacheFlagAt]! | cacheFlag;
    database.patch(entry, cacheFlagAt, scratch, 0, 1);
  }
  return true;
}

function addToSparse(context: CommandContext, database: Database, entry: number): boolean {
  const { request, server } = context;
  const { buffer, starts, ends } = request;
  const { bytes, start, end } = database.table;
  if (entry === 0) sketch.clear();
  else sketch.load(bytes, start, end);
  const { sketchSparseBytesMax } = server.settings;
  let isChanged = entry === 0;
  for (let index = 2; index < request.argumentCount; index++) {
    hashElement(buffer, starts[index]!, ends[index]!);
    const raised = sketch.raise(elementRegister, elementRun, sketchSparseBytesMax);
    if (raised < 0) throw corruptedSketch();
    if (raised > 0) isChanged = true;
  }
  if (!isChanged) return false;
  sketch.dropCached();
  storeSketch(context, database, 1, entry, sketch);
  return true;
}
