/**
 * RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]: makes a key of what DUMP gave, here or in redis.
 *
 * The payload is read to its end before anything is changed. A large value is made in the scratch database, in slices, and gets its
 * name in one step. When and how often a key was used is not kept: IDLETIME and FREQ are read only.
 */
import { finishNow, type Job } from "../../../../base/turn-work.ts";
import type { Database } from "../../../../keyspace/database.ts";
import type { CommandContext } from "../../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../../core/errors.ts";
import { answerInSlices } from "../../core/sliced-reply.ts";
import { footerBytes, isPayload } from "../../wire/rdb/payload.ts";
import { RdbReader } from "../../wire/rdb/reader.ts";
import { RdbFormatError } from "../../wire/rdb/types.ts";
import { findEntry, keyExists, makeWay, writableKeysOf } from "../key-access.ts";
import { type LoadedValue, valueLoaders } from "./value-forms.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";

export const restoreCommand: CommandRow = {
  name: "restore",
  arity: -4,
  flags: ["write", "denyoom"],
  categories: ["keyspace", "dangerous"],
  keys: [oneKey(1, "OW", "update")],
  since: "2.6.0",
  complexity: "O(N*M), N objects of M bytes on average",
  summary: "Makes a key from a serialized value.",
  run: restore,
};

interface Options {
  replaces: boolean;
  isAbsolute: boolean;
}

/** A value that costs more than this is made in slices. */
const directUnitsMax = 500;

function restore(context: CommandContext): void {
  const options = parse(context);
  const database = writableKeysOf(context);
  assertFree(context, database, options);
  const ttl = context.request.integer(2);
  if (Number.isNaN(ttl)) throw new RedisError(errorTexts.notInteger);
  if (ttl < 0) throw new RedisError("ERR Invalid TTL value, must be >= 0");
  const isRelative = ttl > 0 && !options.isAbsolute;
  const expiry = isRelative ? context.broker.clock.now() + ttl : ttl;
  answerInSlices(context, () => restoreValue(context, options, expiry));
}

function parse({ request }: CommandContext): Options {
  const options: Options = { replaces: false, isAbsolute: false };
  let hasIdle = false;
  let hasFrequency = false;
  for (let index = 4; index < request.argumentCount; index++) {
    const hasNext = index + 1 < request.argumentCount;
    if (request.is(index, "REPLACE")) options.replaces = true;
    else if (request.is(index, "ABSTTL")) options.isAbsolute = true;
    else if (request.is(index, "IDLETIME") && hasNext && !hasFrequency) {
      if (!(integerAt(request.integer(++index)) >= 0))
        throw new RedisError("ERR Invalid IDLETIME value, must be >= 0");
      hasIdle = true;
    } else if (request.is(index, "FREQ") && hasNext && !hasIdle) {
      const frequency = integerAt(request.integer(++index));
      if (frequency < 0 || frequency > 255)
        throw new RedisError("ERR Invalid FREQ value, must be >= 0 and <= 255");
      hasFrequency = true;
    } else throw syntaxError();
  }
  return options;
}

function integerAt(value: number): number {
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

function assertFree(context: CommandContext, database: Database, { replaces }: Options): void {
  if (!replaces && keyExists(context, database, 1))
    throw new RedisError("BUSYKEY Target key name already exists.");
}

function* restoreValue(context: CommandContext, options: Options, expiry: number): Job<void> {
  const value = yield* load(context);
  if (expiry > 0 && expiry <= context.broker.clock.now()) {
    makeFree(context, options);
  } else if (value.units <= directUnitsMax) {
    const { buffer, starts, ends } = context.request;
    const database = makeFree(context, options);
    finishNow(value.put(database, buffer, starts[1]!, ends[1]!));
    setExpiry(context, database, expiry);
  } else yield* putInSlices(context, options, expiry, value);
  context.reply.ok();
}

function* load(context: CommandContext): Job<LoadedValue> {
  const { buffer, starts, ends } = context.request;
  if (!(yield* isPayload(buffer, starts[3]!, ends[3]!)))
    throw new RedisError("ERR DUMP payload version or checksum are wrong");
  try {
    const reader = new RdbReader(buffer, starts[3]!, ends[3]! - footerBytes);
    const type = reader.uint8();
    const loader = valueLoaders[type];
    if (loader === undefined) throw new RdbFormatError(`a value of unknown type ${type}`);
    return yield* loader(reader, type, context.server);
  } catch (error) {
    if (error instanceof RdbFormatError) throw new RedisError("ERR Bad data format");
    throw error;
  }
}

/** What has the name goes; others may have made it meanwhile. */
function makeFree(context: CommandContext, options: Options): Database {
  const database = writableKeysOf(context);
  assertFree(context, database, options);
  makeWay(context, 1);
  const entry = findEntry(context, database, 1);
  if (entry !== 0) database.remove(entry);
  return database;
}

function* putInSlices(
  context: CommandContext,
  options: Options,
  expiry: number,
  value: LoadedValue,
): Job<void> {
  const { keyspace } = context.server;
  const { scratch } = keyspace;
  const name = Buffer.from(keyspace.nextAsideKey());
  try {
    yield* value.put(scratch, name, 0, name.length);
    const { buffer, starts, ends } = context.request;
    const database = writableKeysOf(context);
    assertFree(context, database, options);
    makeWay(context, 1);
    scratch.renameTo(scratch.find(name, 0, name.length), database, buffer, starts[1]!, ends[1]!);
    setExpiry(context, database, expiry);
  } finally {
    const left = scratch.find(name, 0, name.length);
    if (left !== 0) scratch.remove(left);
  }
}

function setExpiry(context: CommandContext, database: Database, expiry: number): void {
  if (expiry === 0) return;
  const { buffer, starts, ends } = context.request;
  database.setExpiry(database.find(buffer, starts[1]!, ends[1]!), expiry);
}
