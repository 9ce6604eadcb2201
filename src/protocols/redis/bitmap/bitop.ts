/**
 * BITOP AND | OR | XOR | NOT destination key [key ...]: strings that are shorter than the longest one end in zeros.
 *
 * Long strings are joined in slices, between which nobody changes them (core/claims). The result is stored at once.
 */
import { finishNow, type Job, Piece } from "../../../base/turn-work.ts";
import { copyBytes } from "../../../base/bytes.ts";
import { freeLargeBuffer } from "../../../base/large-buffers.ts";
import type { Database } from "../../../keyspace/database.ts";
import { rawString } from "../../../keyspace/value-type.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { findString, putValue, writableKeysOf } from "../keys/key-access.ts";
import { removeDestination } from "../keys/store-result.ts";
import { type BitOperation, invertBits, joinBits } from "./bits.ts";
import { sliceBytes, unitsOfSlice } from "./bit-range.ts";
import { keyRange, oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const bitopCommand: CommandRow = {
  name: "bitop",
  arity: -4,
  flags: ["write", "denyoom"],
  keys: [oneKey(2, "OW", "update"), keyRange(3, -1, 1, "RO", "access")],
  since: "2.6.0",
  complexity: "O(N), N bytes of the longest string",
  summary: "Combines strings bit by bit and stores the result.",
  run: bitop,
};

const unitsOfKey = 0.3;
const firstSource = 3;

function bitop(context: CommandContext): void {
  const { request } = context;
  const operation = operationOf(context);
  if (operation === "not" && request.argumentCount !== 4)
    throw new RedisError("ERR BITOP NOT must be called with a single source key.");
  const database = writableKeysOf(context);
  if (request.argumentCount <= directItemsMax) {
    let bytes = 0;
    for (let index = firstSource; index < request.argumentCount; index++)
      bytes += lengthOf(context, database, index);
    if (bytes <= sliceBytes) return finishNow(join(context, database, operation));
  }
  answerInSlices(context, () => join(context, database, operation));
}

function operationOf({ request }: CommandContext): BitOperation {
  if (request.is(1, "AND")) return "and";
  if (request.is(1, "OR")) return "or";
  if (request.is(1, "XOR")) return "xor";
  if (request.is(1, "NOT")) return "not";
  throw syntaxError();
}

function lengthOf(context: CommandContext, database: Database, index: number): number {
  return findString(context, database, index) === 0 ? 0 : database.table.end - database.table.start;
}

function* join(context: CommandContext, database: Database, operation: BitOperation): Job<void> {
  const { argumentCount } = context.request;
  const piece = new Piece();
  let size = 0;
  for (let index = firstSource; index < argumentCount; index++) {
    size = Math.max(size, lengthOf(context, database, index));
    const due = piece.add(unitsOfKey);
    if (due > 0) yield due;
  }
  const result = Buffer.alloc(size);
  for (let index = firstSource; index < argumentCount; index++) {
    for (let at = 0; at < size || at === 0; at += sliceBytes) {
      const until = Math.min(at + sliceBytes, size);
      joinPart(context, database, index, { operation, result, at, until });
      const due = piece.add(unitsOfKey + ((until - at) / sliceBytes) * unitsOfSlice);
      if (due > 0) yield due;
    }
  }
  store(context, database, result);
  freeLargeBuffer(result);
}

interface Part {
  readonly operation: BitOperation;
  readonly result: Buffer;
  readonly at: number;
  readonly until: number;
}

/** Joins `[at, until)` of the string in argument `index` to the result. */
function joinPart(
  context: CommandContext,
  database: Database,
  index: number,
  { operation, result, at, until }: Part,
): void {
  const length = lengthOf(context, database, index);
  const { bytes, start } = database.table;
  const end = Math.max(Math.min(length, until), at);
  if (index === firstSource) copyBytes(result, at, bytes, start + at, start + end);
  else if (operation !== "not") joinBits(operation, result, at, bytes, start + at, start + end);
  if (operation === "not") invertBits(result, at, until);
  else if (operation === "and" && index > firstSource) result.fill(0, end, until);
}

function store(context: CommandContext, database: Database, result: Buffer): void {
  const { request, reply } = context;
  if (result.length > 0) {
    assertMayPut(context, request.latin1(2), context.database);
    putValue(context, database, 2, result, 0, result.length, 0, rawString);
    context.notify(keyEvents.set, 2);
  } else removeDestination(context, 2);
  reply.integer(result.length);
}
