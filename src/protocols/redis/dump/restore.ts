/**
 * RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
 *
 * Takes what DUMP has made, of this broker or of redis, of the types in value-forms.ts and of streams. All of it is read before anything
 * is changed, in slices. A large value is made in the scratch database, a stream in a draft, in slices too: it gets its key once it is
 * whole. How often and when a key was used is not kept, so that IDLETIME and FREQ change nothing.
 */
import { sizes } from "../../../base/sizes.ts";
import { finishNow, type Job } from "../../../base/turn-work.ts";
import { StreamDraft } from "../../../broker/stream/draft.ts";
import type { Database } from "../../../keyspace/database.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { assertReplaceable, makeWay, writableKeysOf } from "../keys/key-access.ts";
import { keyAt, writableKeyAt } from "../keys/key-ref.ts";
import { storeAside } from "../keys/store-result.ts";
import { adoptDraft, assertStreamCanBe } from "../keys/key-transfer.ts";
import { passValue } from "../wire/rdb/pass-value.ts";
import { RdbReader } from "../wire/rdb/reader.ts";
import { type StreamForm, streamFormOf } from "../wire/rdb/stream-form.ts";
import { BadData } from "../wire/rdb/types.ts";
import { footerBytes, isPayload } from "./payload.ts";
import { readStream } from "./stream-reader.ts";
import { type LoadedValue, valueLoaders } from "./value-forms.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const restoreCommand: CommandRow = {
  name: "restore",
  arity: -4,
  flags: ["write", "denyoom"],
  categories: ["keyspace", "dangerous"],
  keys: [oneKey(1, "OW", "update")],
  since: "2.6.0",
  complexity: "O(N*M), N objects of M bytes on average",
  summary: "Makes a key from a serialized value.",
  makesValues: true,
  run: restore,
};

/** A payload of so many bytes is restored at once: when a server is filled, many small keys come in a row. */
const smallPayloadBytesMax = 512;
const unitsOfDirect = 2;

interface Restoring {
  readonly replaces: boolean;
  /** Wall time in ms; 0 for never. */
  readonly at: number;
  /** The key would have expired when the command began: then what is there goes, and nothing comes. */
  readonly isOver: boolean;
  readonly idleSeconds: number;
  readonly frequency: number;
}

export function restore(context: CommandContext): void {
  const { request } = context;
  const options = parseOptions(context);
  const key = writableKeyAt(context, 1);
  if (!options.replaces && key.exists) throw busyKey();
  const ttl = request.integer(2);
  if (Number.isNaN(ttl)) throw new RedisError(errorTexts.notInteger);
  if (ttl < 0) throw new RedisError("ERR Invalid TTL value, must be >= 0");
  const { now } = context;
  const at = ttl === 0 || options.isAbsolute ? ttl : now + ttl;
  const restoring = { ...options, at, isOver: at !== 0 && at <= now };
  const payloadBytes = request.ends[3]! - request.starts[3]!;
  if (isSmall(context)) {
    finishNow(restoreValue(context, restoring));
    context.broker.work.spend(unitsOfDirect + (payloadBytes >> 5));
  } else answerInSlices(context, () => restoreValue(context, restoring));
}

/** Whether the payload stands for little, compressed or not. What is damaged is not small. */
function isSmall({ request }: CommandContext): boolean {
  const start = request.starts[3]!;
  const end = request.ends[3]!;
  if (end - start > smallPayloadBytesMax) return false;
  try {
    const reader = new RdbReader(request.buffer, start, end);
    return passValue(reader, reader.uint8()) <= smallPayloadBytesMax;
  } catch {
    return false;
  }
}

function busyKey(): RedisError {
  return new RedisError("BUSYKEY Target key name already exists.");
}

interface Options {
  replaces: boolean;
  isAbsolute: boolean;
  /** Negative: not given. */
  idleSeconds: number;
  frequency: number;
}

function parseOptions({ request }: CommandContext): Options {
  const options = { replaces: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let index = 4; index < request.argumentCount; index++) {
    const hasValue = index + 1 < request.argumentCount;
    if (request.is(index, "REPLACE")) options.replaces = true;
    else if (request.is(index, "ABSTTL")) options.isAbsolute = true;
    else if (request.is(index, "IDLETIME") && hasValue && options.frequency < 0) {
      const idle = wholeArgument(request.integer(++index));
      if (idle < 0) throw new RedisError("ERR Invalid IDLETIME value, must be >= 0");
      options.idleSeconds = idle;
    } else if (request.is(index, "FREQ") && hasValue && options.idleSeconds < 0) {
      const frequency = wholeArgument(request.integer(++index));
      if (frequency < 0 || frequency > 255)
        throw new RedisError("ERR Invalid FREQ value, must be >= 0 and <= 255");
      options.frequency = frequency;
    } else throw syntaxError();
  }
  return options;
}

function wholeArgument(value: number): number {
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

function* restoreValue(context: CommandContext, restoring: Restoring): Job<void> {
  const { buffer, starts, ends } = context.request;
  const start = starts[3]!;
  const end = ends[3]!;
  if (!(yield* isPayload(buffer, start, end)))
    throw new RedisError("ERR DUMP payload version or checksum are wrong");
  let isRestored = false;
  try {
    const reader = new RdbReader(buffer, start, end - footerBytes);
    const type = reader.uint8();
    const form = streamFormOf(type);
    if (form !== undefined) isRestored = yield* restoreStream(context, reader, form, restoring);
    else {
      isRestored = yield* putValue(context, yield* load(reader, type), restoring);
      if (isRestored) setUse(context, restoring);
    }
  } catch (error) {
    throw error instanceof BadData || error instanceof RangeError
      ? new RedisError("ERR Bad data format")
      : error;
  }
  if (isRestored) context.notify(keyEvents.restore, 1);
  context.reply.ok();
}

function* load(reader: RdbReader, type: number): Job<LoadedValue> {
  const loader = valueLoaders[type];
  if (loader === undefined) throw new BadData(`has type ${type}, which is not known`);
  const value = yield* loader(reader, type);
  assertAtEnd(reader);
  return value;
}

function assertAtEnd(reader: RdbReader): void {
  if (reader.remaining > 0) throw new BadData(`has ${reader.remaining} bytes too many`);
}

/** Throws where the key is taken: it may have been since the command began. */
function assertFree(context: CommandContext, replaces: boolean): void {
  if (!replaces && keyAt(context, 1).exists) throw busyKey();
  assertReplaceable(context, 1);
}

/** Says whether there is such a key now. */
function* putValue(
  context: CommandContext,
  value: LoadedValue,
  { replaces, at, isOver }: Restoring,
): Job<boolean> {
  assertFree(context, replaces);
  const key = keyAt(context, 1);
  if (isOver) {
    if (key.remove()) context.notify(keyEvents.del, 1);
    return false;
  }
  if (value.units > sizes.restoredUnitsDirect || (key.exists && !value.isOneRecord)) {
    // What the key has is replaced in one step, also in the journal, once the value is whole.
    const put = (scratch: Database, name: Buffer): Job<void> => value.put(scratch, name, 0, name.length, at);
    yield* storeAside(context, 1, put, () => {
      assertFree(context, replaces);
      tellAnew(context);
    });
    return true;
  }
  tellAnew(context);
  const { buffer, starts, ends } = context.request;
  makeWay(context, 1);
  finishNow(value.put(writableKeysOf(context), buffer, starts[1]!, ends[1]!, at));
  return true;
}

/** How long the key was unused, or how often it is used, where the policy goes by that. */
function setUse(context: CommandContext, { idleSeconds, frequency }: Restoring): void {
  const { uses } = context.server.keyspace;
  const { entry, database } = keyAt(context, 1);
  if (entry === 0) return;
  let use = uses.freshUse;
  if (uses.isLfu && frequency >= 0) use = uses.useOfFrequency(frequency);
  else if (!uses.isLfu && idleSeconds >= 0) use = uses.useOfIdle(idleSeconds);
  database.table.setUse(entry, use);
}

/** Redis makes the key anew where it replaces one: the keyspace tells only of one that had nothing. */
function tellAnew(context: CommandContext): void {
  if (context.server.notices.hearsMade && keyAt(context, 1).exists) context.notify(keyEvents.made, 1);
}

/** Says whether there is such a key now. */
function* restoreStream(
  context: CommandContext,
  reader: RdbReader,
  form: StreamForm,
  { replaces, at, isOver }: Restoring,
): Job<boolean> {
  const database = writableKeysOf(context);
  const target = { context, database, index: 1 };
  assertStreamCanBe(target);
  let draft: StreamDraft | null = new StreamDraft(context.broker);
  try {
    yield* readStream(reader, form, draft);
    assertAtEnd(reader);
    const key = keyAt(context, 1);
    if (!replaces && key.exists) throw busyKey();
    if (isOver) {
      if (key.remove()) context.notify(keyEvents.del, 1);
      return false;
    }
    adoptDraft(target, draft, at);
    draft = null;
    return true;
  } finally {
    draft?.drop();
  }
}
