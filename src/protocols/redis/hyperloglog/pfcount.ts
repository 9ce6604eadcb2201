/**
 * PFCOUNT key [key ...]: of one key, or of the union of several.
 *
 * The count of one key is kept in its sketch until an element is added, as redis does: so a command that reads changes the value.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { cardinalityOfRegisters, cardinalityOfSketch } from "./cardinality.ts";
import { cardinalityAt, hasCardinality, mergeRegisters, registerCount } from "./sketch.ts";
import { corruptedSketch, findSketch } from "./sketch-key.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const pfcountCommand: CommandRow = {
  name: "pfcount",
  arity: -2,
  flags: ["readonly"],
  keys: [keyRange(1, -1, 1, "RW", "access")],
  since: "2.8.9",
  complexity: "O(N), N keys",
  summary: "Estimates how many distinct elements were added.",
  mayReplicate: true,
  run: pfcount,
};

/** The registers of one key, with those of another. */
export const unitsOfMerge = 60;
const scratch = Buffer.alloc(8);

function pfcount(context: CommandContext): void {
  if (context.request.argumentCount === 2) countOne(context);
  else answerInSlices(context, () => countUnion(context));
}

function countOne(context: CommandContext): void {
  const { reply, broker } = context;
  const database = keysOf(context);
  const entry = findSketch(context, database, 1);
  if (entry === 0) return reply.integer(0);
  const { bytes, start, end } = database.table;
  if (hasCardinality(bytes, start)) return reply.bigInteger(bytes.readBigUInt64LE(start + cardinalityAt));
  const cardinality = cardinalityOfSketch(bytes, start, end);
  if (cardinality < 0) throw corruptedSketch();
  // While the journal takes nothing the count is only told.
  if (broker.storage.gate.writeFailure === null) keep(database, entry, cardinality);
  reply.integer(cardinality);
}

function keep(database: Database, entry: number, cardinality: number): void {
  scratch.writeBigUInt64LE(BigInt(cardinality));
  database.patch(entry, cardinalityAt, scratch, 0, scratch.length);
}

function* countUnion(context: CommandContext): Job<void> {
  const registers = new Uint8Array(registerCount);
  const database = keysOf(context);
  for (let index = 1; index < context.request.argumentCount; index++) {
    if (findSketch(context, database, index) === 0) continue;
    const { bytes, start, end } = database.table;
    if (!mergeRegisters(registers, bytes, start, end)) throw corruptedSketch();
    yield unitsOfMerge;
  }
  context.reply.integer(cardinalityOfRegisters(registers));
}
