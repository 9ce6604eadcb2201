/**
 * BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY type offset increment] ...
 * BITFIELD_RO key [GET type offset ...]
 *
 * A type is i8, u16 and so on; an offset of #2 is that of the third integer of its type. All operations are read before the first
 * one is done, and all of them are done at once.
 */
import type { Database } from "../../../keyspace/database.ts";
import { rawString } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { findString, keysOf, writableKeysOf } from "../keys/key-access.ts";
import { hasRead } from "../notifications/lookups.ts";
import { patchString } from "../string/patch-string.ts";
import { parseInteger } from "../wire/numbers.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { bitOffset } from "./bit-arguments.ts";
import { addInteger, type IntegerType, type Overflow, readInteger, writeInteger } from "./integers.ts";
import { type CommandArguments, type FoundKey, hasWord } from "../core/command-keys.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const bitfieldCommands: readonly CommandRow[] = [
  {
    name: "bitfield",
    arity: -2,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "RW", "access", "update", "variable_flags")],
    since: "3.2.0",
    complexity: "O(1) for each operation",
    summary: "Reads and changes integers of any width inside a string.",
    makesValues: writesBits,
    keysOf: keysOfBitfield,
    run: bitfield,
  },
  {
    name: "bitfield_ro",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "6.0.0",
    complexity: "O(1) for each operation",
    summary: "Reads integers of any width inside a string.",
    run: bitfieldRo,
  },
];

/** Whether it does more than read. What stands for an option may be an operand: then a right too much is asked for. */
function writesBits(request: CommandArguments): boolean {
  return hasWord(request, "SET", 2) || hasWord(request, "INCRBY", 2);
}

function keysOfBitfield(request: CommandArguments): readonly FoundKey[] {
  return writesBits(request) ? readAndWritten : readOnly;
}

const readOnly: readonly FoundKey[] = [{ index: 1, flags: ["RO", "access"] }];
const readAndWritten: readonly FoundKey[] = [{ index: 1, flags: ["RW", "access", "update"] }];

interface Operation {
  readonly name: "get" | "set" | "incrby";
  readonly type: IntegerType;
  readonly offset: number;
  readonly operand: bigint;
  readonly overflow: Overflow;
}

/** An integer spans nine bytes at most. */
const scratch = Buffer.alloc(9);

function bitfield(context: CommandContext): void {
  const operations = parse(context.request);
  if (operations.every(isGet)) return replyEach(context, operations);
  changeEach(context, operations);
}

function bitfieldRo(context: CommandContext): void {
  const operations = parse(context.request);
  if (!operations.every(isGet)) throw new RedisError("ERR BITFIELD_RO only supports the GET subcommand");
  replyEach(context, operations);
}

function isGet({ name }: Operation): boolean {
  return name === "get";
}

function parse(request: RequestArguments): Operation[] {
  const operations: Operation[] = [];
  let overflow: Overflow = "wrap";
  for (let index = 2; index < request.argumentCount;) {
    const left = request.argumentCount - index - 1;
    let name: Operation["name"];
    if (request.is(index, "GET") && left >= 2) name = "get";
    else if (request.is(index, "SET") && left >= 3) name = "set";
    else if (request.is(index, "INCRBY") && left >= 3) name = "incrby";
    else if (request.is(index, "OVERFLOW") && left >= 1) {
      overflow = overflowAt(request, index + 1);
      index += 2;
      continue;
    } else throw syntaxError();
    const type = typeAt(request, index + 1);
    const offset = bitOffset(request, index + 2, type.bits);
    const operand = name === "get" ? 0n : request.bigInteger(index + 3);
    if (operand === undefined) throw new RedisError(errorTexts.notInteger);
    operations.push({ name, type, offset, operand, overflow });
    index += name === "get" ? 3 : 4;
  }
  return operations;
}

function overflowAt(request: RequestArguments, index: number): Overflow {
  if (request.is(index, "WRAP")) return "wrap";
  if (request.is(index, "SAT")) return "sat";
  if (request.is(index, "FAIL")) return "fail";
  throw new RedisError("ERR Invalid OVERFLOW type specified");
}

function typeAt(request: RequestArguments, index: number): IntegerType {
  const { buffer } = request;
  const start = request.starts[index]!;
  const sign = request.size(index) === 0 ? "" : String.fromCharCode(buffer[start]!);
  // To redis it is a C string.
  const nul = buffer.subarray(start, request.ends[index]).indexOf(0);
  const end = nul < 0 ? request.ends[index]! : start + nul;
  const bits = parseInteger(buffer, Math.min(start + 1, end), end);
  const isSigned = sign === "i";
  if ((!isSigned && sign !== "u") || !(bits >= 1 && bits <= (isSigned ? 64 : 63)))
    throw new RedisError(
      "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    );
  return { isSigned, bits };
}

function replyEach(context: CommandContext, operations: readonly Operation[]): void {
  const { reply } = context;
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  // BITFIELD reads where it only gets.
  hasRead(context, 1, context.database, entry !== 0);
  const { bytes, start, end } = database.table;
  reply.array(operations.length);
  for (const { offset, type } of operations)
    reply.bigInteger(entry === 0 ? 0n : readInteger(bytes, start, end, offset, type));
}

function changeEach(context: CommandContext, operations: readonly Operation[]): void {
  const { reply } = context;
  const database = writableKeysOf(context);
  let entry = findString(context, database, 1);
  const size = bytesNeeded(operations);
  const hasGrown = entry === 0 || database.table.valueLength(entry) < size;
  let isChanged = false;
  entry = growTo(context, database, entry, size);
  reply.array(operations.length);
  for (const operation of operations) {
    const { name, type, offset, operand, overflow } = operation;
    database.table.locate(entry);
    const { bytes, start, end } = database.table;
    const before = readInteger(bytes, start, end, offset, type);
    if (name === "get") {
      reply.bigInteger(before);
      continue;
    }
    const changed =
      name === "set"
        ? addInteger(asGiven(operand, type), 0n, type, overflow)
        : addInteger(before, operand, type, overflow);
    if (changed === null) {
      reply.null();
      continue;
    }
    reply.bigInteger(name === "set" ? before : changed);
    if (changed !== before) entry = write(database, entry, operation, changed);
    // To redis a string that has only grown, since each change would overflow, has not changed.
    if (hasGrown || changed !== before) isChanged = true;
  }
  if (isChanged) context.notify(keyEvents.setbit, 1);
}

/** To redis a negative value for a type without a sign is a large one. */
function asGiven(operand: bigint, { isSigned }: IntegerType): bigint {
  return isSigned ? operand : BigInt.asUintN(64, operand);
}

/** How long the string has to be for all integers that are written, be they changed or not. */
function bytesNeeded(operations: readonly Operation[]): number {
  let size = 0;
  for (const { name, offset, type } of operations)
    if (name !== "get") size = Math.max(size, Math.floor((offset + type.bits - 1) / 8) + 1);
  return size;
}

function growTo(context: CommandContext, database: Database, entry: number, size: number): number {
  if (entry !== 0 && database.table.valueLength(entry) >= size) {
    database.content.addFlag(entry, rawString);
    return entry;
  }
  scratch[0] = 0;
  return patchString(context, database, entry, size - 1, scratch, 0, 1);
}

function write(database: Database, entry: number, { offset, type }: Operation, value: bigint): number {
  const { table } = database;
  const first = Math.floor(offset / 8);
  const size = Math.floor((offset + type.bits - 1) / 8) + 1 - first;
  table.locate(entry);
  table.bytes.copy(scratch, 0, table.start + first, table.start + first + size);
  writeInteger(scratch, offset & 7, type, value);
  return database.patch(entry, first, scratch, 0, size);
}
