/**
 * RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
 *
 * Takes strings, hashes and streams that DUMP of redis 7.0, or of this broker, has made. A stream is read in slices and gets its key
 * once it is whole. How often and when a key was used is not kept, so that IDLETIME and FREQ change nothing.
 */
import { Crc64 } from "../../../base/checksum/crc64.ts";
import type { Job } from "../../../base/turn-work.ts";
import { StreamDraft } from "../../../broker/stream/draft.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { openHash } from "../hash/hash-key.ts";
import { assertReplaceable, putValue, writableKeysOf } from "../keys/key-access.ts";
import { keyAt, writableKeyAt } from "../keys/key-ref.ts";
import { adoptDraft, assertStreamCanBe } from "../keys/key-transfer.ts";
import { ListpackReader } from "./listpack.ts";
import { BadData, rdbType, RdbReader, rdbVersion } from "./rdb.ts";
import { readStream } from "./stream-reader.ts";

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

/** Version and checksum. */
const footerBytes = 10;

interface Restoring {
  readonly replaces: boolean;
  /** Wall time in ms; 0 for never. */
  readonly at: number;
}

function restore(context: CommandContext): void {
  const { request, reply } = context;
  const options = parseOptions(context);
  const key = writableKeyAt(context, 1);
  if (!options.replaces && key.exists) throw busyKey();
  const ttl = request.integer(2);
  if (Number.isNaN(ttl)) throw new RedisError(errorTexts.notInteger);
  if (ttl < 0) throw new RedisError("ERR Invalid TTL value, must be >= 0");
  assertPayload(context);
  const now = context.broker.clock.now();
  const at = ttl === 0 || options.isAbsolute ? ttl : now + ttl;
  const type = request.buffer[request.starts[3]!]!;
  if (type === rdbType.streamListpacks2)
    return answerInSlices(context, () => restoreStream(context, { replaces: options.replaces, at }));
  const reader = valueReader(context);
  try {
    if (type === rdbType.string) restoreString(context, reader, at);
    else if (type === rdbType.hash || type === rdbType.hashListpack) restoreHash(context, reader, type, at);
    else throw unknownType(type);
  } catch (error) {
    throw asReply(error);
  }
  reply.ok();
}

function busyKey(): RedisError {
  return new RedisError("BUSYKEY Target key name already exists.");
}

function unknownType(type: number): RedisError {
  return new RedisError(
    `ERR Bad data format: type ${type} of a serialized value; strings, hashes and streams of redis 7.0 can be restored`,
  );
}

function asReply(error: unknown): unknown {
  return error instanceof BadData || error instanceof RangeError
    ? new RedisError("ERR Bad data format")
    : error;
}

interface Options {
  replaces: boolean;
  isAbsolute: boolean;
}

function parseOptions({ request }: CommandContext): Options {
  const options = { replaces: false, isAbsolute: false };
  let hasIdle = false;
  let hasFrequency = false;
  for (let index = 4; index < request.argumentCount; index++) {
    const hasValue = index + 1 < request.argumentCount;
    if (request.is(index, "REPLACE")) options.replaces = true;
    else if (request.is(index, "ABSTTL")) options.isAbsolute = true;
    else if (request.is(index, "IDLETIME") && hasValue && !hasFrequency) {
      if (wholeArgument(request.integer(++index)) < 0)
        throw new RedisError("ERR Invalid IDLETIME value, must be >= 0");
      hasIdle = true;
    } else if (request.is(index, "FREQ") && hasValue && !hasIdle) {
      const frequency = wholeArgument(request.integer(++index));
      if (frequency < 0 || frequency > 255)
        throw new RedisError("ERR Invalid FREQ value, must be >= 0 and <= 255");
      hasFrequency = true;
    } else throw syntaxError();
  }
  return options;
}

function wholeArgument(value: number): number {
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

/** Throws where version or checksum are not as they should be. */
function assertPayload({ request }: CommandContext): void {
  const { buffer } = request;
  const start = request.starts[3]!;
  const end = request.ends[3]!;
  const isRight =
    end - start > footerBytes &&
    buffer.readUInt16LE(end - footerBytes) <= rdbVersion &&
    new Crc64().update(buffer, start, end - 8).isAt(buffer, end - 8);
  if (!isRight) throw new RedisError("ERR DUMP payload version or checksum are wrong");
}

/** From behind the value's type to the footer. */
function valueReader({ request }: CommandContext): RdbReader {
  return new RdbReader(request.buffer, request.starts[3]! + 1, request.ends[3]! - footerBytes);
}

function assertAtEnd(reader: RdbReader): void {
  if (reader.remaining > 0) throw new BadData(`has ${reader.remaining} bytes too many`);
}

/** Whether the key would have expired already: then what is there goes, and nothing comes. */
function isOver(context: CommandContext, at: number): boolean {
  return at !== 0 && at <= context.broker.clock.now();
}

function restoreString(context: CommandContext, reader: RdbReader, at: number): void {
  reader.string();
  const { bytes, start, end } = reader;
  assertAtEnd(reader);
  assertReplaceable(context, 1);
  if (isOver(context, at)) return void keyAt(context, 1).remove();
  putValue(context, writableKeysOf(context), 1, bytes, start, end, at);
}

/** All at once, as HSET: nobody sees a part of it. It is read twice, so that nothing is replaced by half a hash. */
function restoreHash(context: CommandContext, reader: RdbReader, type: number, at: number): void {
  const start = reader.position;
  let count = 0;
  eachField(reader, type, () => count++);
  assertAtEnd(reader);
  if (count === 0) throw new BadData("a hash without fields");
  assertReplaceable(context, 1);
  keyAt(context, 1).remove();
  if (isOver(context, at)) return;
  const database = writableKeysOf(context);
  openHash(context, database, 0);
  try {
    reader.position = start;
    eachField(reader, type, (field, value, from, to) =>
      database.hash.set(field, 0, field.length, value, from, to),
    );
  } finally {
    database.hash.close();
  }
  if (at !== 0) keyAt(context, 1).setExpiry(at);
}

function eachField(
  reader: RdbReader,
  type: number,
  visit: (field: Buffer, value: Buffer, start: number, end: number) => void,
): void {
  if (type === rdbType.hash) {
    for (let left = reader.count(2); left > 0; left--) {
      reader.string();
      const field = reader.bytes.subarray(reader.start, reader.end);
      reader.string();
      visit(field, reader.bytes, reader.start, reader.end);
    }
    return;
  }
  reader.string();
  const list = new ListpackReader(reader.bytes, reader.start, reader.end);
  while (list.next()) {
    const field =
      list.integer === null ? list.bytes.subarray(list.start, list.end) : Buffer.from(String(list.integer));
    list.text();
    visit(field, list.bytes, list.start, list.end);
  }
}

function* restoreStream(context: CommandContext, { replaces, at }: Restoring): Job<void> {
  const database = writableKeysOf(context);
  const target = { context, database, index: 1 };
  assertStreamCanBe(target);
  // The request is where it stays until the answer only since the job began.
  const reader = valueReader(context);
  let draft: StreamDraft | null = new StreamDraft(context.broker);
  try {
    yield* readStream(reader, draft);
    assertAtEnd(reader);
    const key = keyAt(context, 1);
    if (!replaces && key.exists) throw busyKey();
    if (isOver(context, at)) key.remove();
    else {
      adoptDraft(target, draft, at);
      draft = null;
    }
  } catch (error) {
    throw asReply(error);
  } finally {
    draft?.drop();
  }
  context.reply.ok();
}
