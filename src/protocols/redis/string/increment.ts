/** INCR key      DECR key      INCRBY key increment      DECRBY key decrement: exact, in 64 bits. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { findString, putValue, writableKeysOf } from "../keys/key-access.ts";
import { parseBigInteger, parseInteger } from "../wire/numbers.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const incrementCommands: readonly CommandRow[] = [
  {
    name: "decr",
    arity: 2,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "access", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Subtracts one from an integer, starting at 0.",
    run: decr,
  },
  {
    name: "decrby",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "access", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Subtracts a number from an integer, starting at 0.",
    run: decrby,
  },
  {
    name: "incr",
    arity: 2,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "access", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Adds one to an integer, starting at 0.",
    run: incr,
  },
  {
    name: "incrby",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "access", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Adds a number to an integer, starting at 0.",
    run: incrby,
  },
];

const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;
const scratch = Buffer.alloc(24);

function incr(context: CommandContext): void {
  increment(context, 1);
}

function decr(context: CommandContext): void {
  increment(context, -1);
}

function incrby(context: CommandContext): void {
  increment(context, incrementArgument(context));
}

function decrby(context: CommandContext): void {
  const by = incrementArgument(context);
  // Its negative is no 64-bit integer.
  if (by === int64Min) throw new RedisError("ERR decrement would overflow");
  increment(context, -by);
}

/** Adds to the integer in the key of argument 1, which begins at 0, and replies the sum. */
function increment(context: CommandContext, by: bigint | number): void {
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const { table } = database;
  let sum: number | bigint;
  if (entry === 0) sum = by;
  else {
    const before = parseInteger(table.bytes, table.start, table.end);
    if (Number.isNaN(before)) throw new RedisError(errorTexts.notInteger);
    sum = before + Number(by);
    // Beyond 2^53 doubles are not exact: then with big integers.
    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(sum) || !Number.isSafeInteger(Number(by))) {
      sum = parseBigInteger(table.bytes, table.start, table.end)! + BigInt(by);
    }
  }
  if (sum > int64Max || sum < int64Min) throw new RedisError("ERR increment or decrement would overflow");
  const size = scratch.latin1Write(sum.toString(), 0);
  if (entry === 0) putValue(context, database, 1, scratch, 0, size, 0);
  else database.replace(entry, scratch, 0, size);
  if (typeof sum === "bigint") context.reply.bigInteger(sum);
  else context.reply.integer(sum);
}

/** Argument 2 as a 64-bit integer. Throws. */
function incrementArgument(context: CommandContext): bigint | number {
  const { request } = context;
  const value = request.integer(2);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return Number.isSafeInteger(value) ? value : request.bigInteger(2)!;
}
