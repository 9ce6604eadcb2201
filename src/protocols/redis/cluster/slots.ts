/**
 * CLUSTER KEYSLOT key      CLUSTER COUNTKEYSINSLOT slot      CLUSTER GETKEYSINSLOT slot count
 *
 * Redis keeps a list of the keys of each slot, to move them to other nodes. Here none ever moves, so the keys of a slot are found by
 * a walk over all keys, in slices: O(N) for N keys of the database.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { answerInSlices, unitsOfBytes } from "../core/sliced-reply.ts";
import { writeNames } from "../core/write-names.ts";
import { keysOf } from "../keys/key-access.ts";
import { seesString, streamsSeen } from "../keys/visible-streams.ts";
import { inCluster } from "./in-cluster.ts";
import { keySlot, slotCount } from "./key-slot.ts";

export const slotCommands: readonly CommandRow[] = [
  {
    name: "countkeysinslot",
    arity: 3,
    flags: ["stale"],
    since: "3.0.0",
    complexity: "O(N), N keys of the database",
    summary: "Counts the keys in a slot.",
    run: inCluster(countKeysInSlot),
  },
  {
    name: "getkeysinslot",
    arity: 4,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(N), N keys of the database",
    summary: "Lists keys of a slot.",
    run: inCluster(getKeysInSlot),
  },
  {
    name: "keyslot",
    arity: 3,
    flags: ["stale"],
    since: "3.0.0",
    complexity: "O(N), N bytes of the key",
    summary: "Tells the slot of a key.",
    run: inCluster(keySlotOf),
  },
];

const unitsOfKey = 0.3;

function keySlotOf({ request, reply }: CommandContext): void {
  reply.integer(keySlot(request.buffer, request.starts[2]!, request.ends[2]!));
}

function countKeysInSlot(context: CommandContext): void {
  const slot = integerAt(context, 2);
  if (slot < 0 || slot >= slotCount) throw new RedisError("ERR Invalid slot");
  answerInSlices(context, () => writeCount(context, slot));
}

function* writeCount(context: CommandContext, slot: number): Job<void> {
  const names = yield* namesInSlot(context, slot, Infinity);
  context.reply.integer(names.size);
}

function getKeysInSlot(context: CommandContext): void {
  const slot = integerAt(context, 2);
  const count = integerAt(context, 3);
  if (slot < 0 || slot >= slotCount || count < 0) throw new RedisError("ERR Invalid slot or number of keys");
  answerInSlices(context, () => writeKeys(context, slot, count));
}

function* writeKeys(context: CommandContext, slot: number, count: number): Job<void> {
  const names = yield* namesInSlot(context, slot, count);
  yield* writeNames(context, [...names].slice(0, count));
}

function integerAt({ request }: CommandContext, index: number): number {
  const value = request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

/** A set: while the table grows or shrinks between two slices, a key may be met twice. It may hold a few names more than `count`. */
function* namesInSlot(context: CommandContext, slot: number, count: number): Job<Set<string>> {
  const database = keysOf(context);
  const names = new Set<string>();
  const found: number[] = [];
  const piece = new Piece();
  let cursor = 0;
  do {
    const { table } = database;
    found.length = 0;
    cursor = table.scan(cursor, found);
    let bytes = 0;
    for (const entry of found) {
      table.locateKey(entry);
      bytes += table.end - table.start;
      if (keySlot(table.bytes, table.start, table.end) !== slot || database.isDue(entry)) continue;
      const name = table.bytes.latin1Slice(table.start, table.end);
      if (seesString(context, name)) names.add(name);
    }
    if (names.size >= count) return names;
    const due = piece.add(unitsOfKey * (found.length + 1) + unitsOfBytes(bytes));
    if (due > 0) yield due;
  } while (cursor !== 0);
  for (const stream of streamsSeen(context)) {
    if (stream !== null) {
      const bytes = Buffer.from(stream.name, "latin1");
      if (keySlot(bytes, 0, bytes.length) === slot) names.add(stream.name);
    }
    if (names.size >= count) return names;
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
  return names;
}
