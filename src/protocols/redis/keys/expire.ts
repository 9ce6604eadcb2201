/**
 * EXPIRE key seconds [NX | XX | GT | LT]      PEXPIRE key milliseconds [NX | XX | GT | LT]
 * EXPIREAT key unix-time-seconds [NX | XX | GT | LT]      PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
 *
 * A time that has passed removes the key.
 */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { expiryArgument, timeUnits, type TimeUnit } from "./expiry-options.ts";
import { writableKeyAt } from "./key-ref.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const expireCommands: readonly CommandRow[] = [
  {
    name: "expire",
    arity: -3,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Lets a key expire after some seconds.",
    acts: ["expire"],
    run: expire,
  },
  {
    name: "expireat",
    arity: -3,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "1.2.0",
    complexity: "O(1)",
    summary: "Lets a key expire at a time given in seconds.",
    acts: ["expire"],
    run: expireat,
  },
  {
    name: "pexpire",
    arity: -3,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "2.6.0",
    complexity: "O(1)",
    summary: "Lets a key expire after some milliseconds.",
    acts: ["expire"],
    run: pexpire,
  },
  {
    name: "pexpireat",
    arity: -3,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "2.6.0",
    complexity: "O(1)",
    summary: "Lets a key expire at a time given in milliseconds.",
    acts: ["expire"],
    run: pexpireat,
  },
];

interface Conditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

function expire(context: CommandContext): void {
  expireKey(context, timeUnits.EX);
}

function pexpire(context: CommandContext): void {
  expireKey(context, timeUnits.PX);
}

function expireat(context: CommandContext): void {
  expireKey(context, timeUnits.EXAT);
}

function pexpireat(context: CommandContext): void {
  expireKey(context, timeUnits.PXAT);
}

function expireKey(context: CommandContext, unit: TimeUnit): void {
  const { reply } = context;
  const conditions = parseConditions(context);
  const at = expiryArgument(context, 2, unit);
  const key = writableKeyAt(context, 1);
  if (!key.exists || !areMet(conditions, key.expiry, at)) return reply.integer(0);
  const isOver = at <= context.now;
  if (isOver) key.remove();
  else key.setExpiry(at);
  context.notify(isOver ? keyEvents.del : keyEvents.expire, 1);
  reply.integer(1);
}

/** `current` is 0 for a key that never expires. */
function areMet({ nx, xx, gt, lt }: Conditions, current: number, at: number): boolean {
  if (nx && current !== 0) return false;
  if (xx && current === 0) return false;
  // Never is later than any time.
  if (gt && (current === 0 || at <= current)) return false;
  return !(lt && current !== 0 && at >= current);
}

function parseConditions({ request }: CommandContext): Conditions {
  const conditions = { nx: false, xx: false, gt: false, lt: false };
  for (let index = 3; index < request.argumentCount; index++) {
    if (request.is(index, "NX")) conditions.nx = true;
    else if (request.is(index, "XX")) conditions.xx = true;
    else if (request.is(index, "GT")) conditions.gt = true;
    else if (request.is(index, "LT")) conditions.lt = true;
    else throw new RedisError(`ERR Unsupported option ${request.utf8(index)}`);
  }
  const { nx, xx, gt, lt } = conditions;
  if (nx && (xx || gt || lt))
    throw new RedisError("ERR NX and XX, GT or LT options at the same time are not compatible");
  if (gt && lt) throw new RedisError("ERR GT and LT options at the same time are not compatible");
  return conditions;
}
