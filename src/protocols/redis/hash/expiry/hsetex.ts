/**
 * HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT time | PXAT time | KEEPTTL] FIELDS numfields field value [...]
 *
 * All fields or none: 0 where one of them is there already (FNX), or is not (FXX).
 */
import type { Database } from "../../../../keyspace/database.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError, wrongArity } from "../../core/errors.ts";
import { unitOption } from "../../keys/expiry-options.ts";
import { writableKeysOf } from "../../keys/key-access.ts";
import { expiryOfField, findField, findHash, openHash } from "../hash-key.ts";
import { fieldTimeArgument } from "./field-arguments.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const hsetexCommand: CommandRow = {
  name: "hsetex",
  arity: -6,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "update")],
  since: "8.0.0",
  complexity: "O(N), N fields",
  summary: "Sets fields of a hash and when they expire.",
  makesValues: true,
  run: hsetex,
};

interface Options {
  condition: "FNX" | "FXX" | null;
  keeps: boolean;
  /** Wall time in ms; 0 for never. */
  at: number;
  hasTime: boolean;
  /** The first field. */
  first: number;
}

function hsetex(context: CommandContext): void {
  const { reply } = context;
  const options = parse(context);
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  if (!isMet(context, database, entry, options)) return reply.integer(0);
  if (options.hasTime && options.at <= context.now) removeFields(context, database, entry, options.first);
  else {
    setFields(context, database, entry, options);
    context.notify(keyEvents.hset, 1);
    if (options.hasTime) context.notify(keyEvents.hexpire, 1);
  }
  reply.integer(1);
}

function parse(context: CommandContext): Options {
  const { request } = context;
  const options: Options = { condition: null, keeps: false, at: 0, hasTime: false, first: 0 };
  for (let index = 2; index < request.argumentCount; index++) {
    if (request.is(index, "FIELDS")) {
      options.first = pairsFrom(context, index);
      return options;
    }
    const unit = unitOption(request, index);
    if (request.is(index, "FNX") || request.is(index, "FXX")) {
      if (options.condition !== null)
        throw new RedisError("ERR Only one of FXX or FNX arguments can be specified");
      options.condition = request.is(index, "FNX") ? "FNX" : "FXX";
    } else if (unit !== undefined || request.is(index, "KEEPTTL")) {
      if (options.hasTime || options.keeps)
        throw new RedisError("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
      options.keeps = unit === undefined;
      if (unit === undefined) continue;
      if (index + 1 >= request.argumentCount) throw new RedisError("ERR missing expire time");
      options.hasTime = true;
      options.at = fieldTimeArgument(context, ++index, unit);
    } else throw new RedisError(`ERR unknown argument: ${request.utf8(index)}`);
  }
  throw new RedisError("ERR missing FIELDS argument");
}

function pairsFrom(context: CommandContext, index: number): number {
  const { request } = context;
  if (index + 1 >= request.argumentCount) throw wrongArity(context.spec.fullName);
  const count = request.integer(index + 1);
  if (!(count > 0)) throw new RedisError("ERR invalid number of fields");
  if (count * 2 !== request.argumentCount - index - 2) throw wrongArity(context.spec.fullName);
  return index + 2;
}

function isMet(
  context: CommandContext,
  database: Database,
  entry: number,
  { condition, first }: Options,
): boolean {
  if (condition === null) return true;
  for (let i = first; i < context.request.argumentCount; i += 2)
    if (findField(context, database, entry, i) !== (condition === "FXX")) return false;
  return true;
}

function removeFields(context: CommandContext, database: Database, entry: number, first: number): void {
  if (entry === 0) return;
  const { argumentCount, buffer, starts, ends } = context.request;
  database.hash.open(entry);
  try {
    for (let i = first; i < argumentCount; i += 2) database.hash.remove(buffer, starts[i]!, ends[i]!);
  } finally {
    database.hash.close();
  }
  context.notify(keyEvents.hset, 1);
  context.notifyTaken(keyEvents.hdel, 1, database.hash.isGone);
}

function setFields(
  context: CommandContext,
  database: Database,
  entry: number,
  { keeps, at, first }: Options,
): void {
  const { argumentCount, buffer, starts, ends } = context.request;
  const { hash } = database;
  openHash(context, database, entry);
  try {
    for (let i = first; i < argumentCount; i += 2) {
      const isKept = keeps && findField(context, database, hash.entry, i);
      const expiry = isKept ? expiryOfField(context, database, hash.entry, i) : at;
      hash.set(buffer, starts[i]!, ends[i]!, buffer, starts[i + 1]!, ends[i + 1]!, expiry);
    }
  } finally {
    hash.close();
  }
}
