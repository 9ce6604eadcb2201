/**
 * SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT time | PXAT time | KEEPTTL]
 *
 * NX and XX look at keys of any kind; GET wants a string.
 */
import { keepExpiry } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { syntaxError } from "../core/errors.ts";
import { positiveExpiryArgument, type TimeUnit, unitOption } from "../keys/expiry-options.ts";
import { findString, keyExists, replyString, setString, writableKeysOf } from "../keys/key-access.ts";
import { hasRead } from "../notifications/lookups.ts";
import { type CommandArguments, type FoundKey, hasWord } from "../core/command-keys.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const setCommand: CommandRow = {
  name: "set",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "access", "update", "variable_flags")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Sets a string, whatever the key held; options add conditions and expiry.",
  makesValues: isNotXx,
  keysOf: keysOfSet,
  run: set,
};

/** With XX it makes no key. */
function isNotXx(request: RequestArguments): boolean {
  return !hasWord(request, "XX", 3);
}

/** It reads with GET only. */
function keysOfSet(request: CommandArguments): readonly FoundKey[] {
  return hasWord(request, "GET", 3) ? readAndWritten : overwritten;
}

const overwritten: readonly FoundKey[] = [{ index: 1, flags: ["OW", "update"] }];
const readAndWritten: readonly FoundKey[] = [{ index: 1, flags: ["RW", "access", "update"] }];

interface SetOptions {
  nx: boolean;
  xx: boolean;
  get: boolean;
  keepTtl: boolean;
  unit: TimeUnit | undefined;
  timeAt: number;
}

function set(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount === 3) {
    setString(context, writableKeysOf(context), 1, 2, 0);
    context.notify(keyEvents.set, 1);
    return reply.ok();
  }
  const options = parse(context);
  let expiry = options.keepTtl ? keepExpiry : 0;
  if (options.unit !== undefined) expiry = positiveExpiryArgument(context, options.timeAt, options.unit);
  const database = writableKeysOf(context);
  if (options.get) {
    const entry = findString(context, database, 1);
    hasRead(context, 1, context.database, entry !== 0);
    replyString(context, database, entry);
  }
  if (options.nx || options.xx) {
    if (keyExists(context, database, 1) !== options.xx) {
      if (!options.get) reply.null();
      return;
    }
  }
  setString(context, database, 1, 2, expiry);
  context.notify(keyEvents.set, 1);
  if (options.unit !== undefined) context.notify(keyEvents.expire, 1);
  if (!options.get) reply.ok();
}

function parse({ request }: CommandContext): SetOptions {
  const options: SetOptions = {
    nx: false,
    xx: false,
    get: false,
    keepTtl: false,
    unit: undefined,
    timeAt: 0,
  };
  for (let index = 3; index < request.argumentCount; index++) {
    const unit = unitOption(request, index);
    if (request.is(index, "NX") && !options.xx) options.nx = true;
    else if (request.is(index, "XX") && !options.nx) options.xx = true;
    else if (request.is(index, "GET")) options.get = true;
    else if (request.is(index, "KEEPTTL") && options.unit === undefined) options.keepTtl = true;
    else if (
      unit !== undefined &&
      options.unit === undefined &&
      !options.keepTtl &&
      index + 1 < request.argumentCount
    ) {
      options.unit = unit;
      options.timeAt = ++index;
    } else throw syntaxError();
  }
  return options;
}
