/** PFMERGE destination [key ...]: the destination becomes the union of itself and the others, dense if one of them is. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { unitsOfMerge } from "./pfcount.ts";
import { isSketchDense, mergeRegisters, registerCount, Sketch } from "./sketch.ts";
import { corruptedSketch, findSketch, storeSketch } from "./sketch-key.ts";
import { keyRange, oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const pfmergeCommand: CommandRow = {
  name: "pfmerge",
  arity: -2,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "access", "insert"), keyRange(2, -1, 1, "RO", "access")],
  since: "2.8.9",
  complexity: "O(N), N keys",
  summary: "Merges HyperLogLogs into one.",
  readsFirst: true,
  run: pfmerge,
};

const sketch = new Sketch();

function pfmerge(context: CommandContext): void {
  const database = writableKeysOf(context);
  answerInSlices(context, () => merge(context, database));
}

function* merge(context: CommandContext, database: Database): Job<void> {
  const registers = new Uint8Array(registerCount);
  let isDense = false;
  for (let index = 1; index < context.request.argumentCount; index++) {
    if (findSketch(context, database, index) === 0) continue;
    const { bytes, start, end } = database.table;
    if (isSketchDense(bytes, start)) isDense = true;
    if (!mergeRegisters(registers, bytes, start, end)) throw corruptedSketch();
    yield unitsOfMerge;
  }
  store(context, database, registers, isDense);
  context.reply.ok();
}

function store(context: CommandContext, database: Database, registers: Uint8Array, isDense: boolean): void {
  const { request, server } = context;
  const entry = findSketch(context, database, 1);
  const { bytes, start, end } = database.table;
  if (entry === 0) {
    assertMayPut(context, request.latin1(1), context.database);
    sketch.clear();
  } else sketch.load(bytes, start, end);
  if (isDense && !sketch.makeDense()) throw corruptedSketch();
  for (let register = 0; register < registerCount; register++) {
    const run = registers[register]!;
    if (run > 0) sketch.raise(register, run, server.settings.sketchSparseBytesMax);
  }
  sketch.dropCached();
  storeSketch(context, database, 1, entry, sketch);
  context.notify(keyEvents.pfadd, 1);
}
