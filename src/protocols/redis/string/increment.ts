/** INCR key      DECR key      INCRBY key increment      DECRBY key decrement: exact, in 64 bits. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { findString, putValue, writableKeysOf } from "../keys/key-access.ts";
import { parseBigInteger, parseInteger } from "../wire/numbers.ts";
import { decimalSize, writeDecimal } from "../wire/reply-writer.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const incrementCommands: readonly CommandRow[] = [
  {
    name: "decr",
    arity: 2,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "access", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Subtracts one from an integer, starting at 0.",
    makesValues: true,
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
    makesValues: true,
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
    makesValues: true,
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
    makesValues: true,
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
  increment(context, incrementArgument(context, 2));
}

function decrby(context: CommandContext): void {
  const by = incrementArgument(context, 2);
  // Its negative is no 64-bit integer.
  if (by === int64Min) throw new RedisError("ERR decrement would overflow");
  increment(context, -by);
}

/** Adds to the integer in the key of argument 1, which begins at 0, and replies the sum. */
function increment(context: CommandContext, by: bigint | number): void {
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const { table } = database;
  const sum = entry === 0 ? by : incremented(table.bytes, table.start, table.end, by, errorTexts.notInteger);
  const { bytes, size } = writeSum(sum);
  if (entry === 0) putValue(context, database, 1, bytes, 0, size, 0);
  else database.replace(entry, bytes, 0, size);
  context.notify(keyEvents.incrby, 1);
  replySum(context, sum);
}

/** The integer in `bytes[start, end)` and `by`. Throws `notInteger` where there is none, and when the sum has more than 64 bits. */
export function incremented(
  bytes: Buffer,
  start: number,
  end: number,
  by: bigint | number,
  notInteger: string,
): bigint | number {
  const before = parseInteger(bytes, start, end);
  if (Number.isNaN(before)) throw new RedisError(notInteger);
  // Beyond 2^53 doubles are not exact: then with big integers.
  if (typeof by === "number" && Number.isSafeInteger(before) && Number.isSafeInteger(before + by))
    return before + by;
  const sum = parseBigInteger(bytes, start, end)! + BigInt(by);
  if (sum > int64Max || sum < int64Min) throw new RedisError("ERR increment or decrement would overflow");
  return sum;
}

const written = { bytes: scratch, size: 0 };

/** A sum as text: valid until the next call. */
export function writeSum(sum: bigint | number): { readonly bytes: Buffer; readonly size: number } {
  if (typeof sum === "bigint") written.size = scratch.latin1Write(sum.toString(), 0);
  else {
    written.size = decimalSize(sum);
    writeDecimal(scratch, 0, written.size, sum);
  }
  return written;
}

export function replySum({ reply }: CommandContext, sum: bigint | number): void {
  if (typeof sum === "bigint") reply.bigInteger(sum);
  else reply.integer(sum);
}

/** An argument as a 64-bit integer. Throws. */
export function incrementArgument({ request }: CommandContext, index: number): bigint | number {
  const value = request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return Number.isSafeInteger(value) ? value : request.bigInteger(index)!;
}
