/**
 * What each command does to its keys, in the words of the broker's table of rights (broker/access/rights.ts).
 *
 * Most of it follows from the flags that the command table has of each key, by what is done to the data as redis has it:
 * DEL of a key does not read it. Redis's own `%R~` and `%W~` cannot tell more acts than these flags do; the rights of
 * RabbitMQ and Kafka can, so what the flags leave open is said here.
 * Not here: what depends on what is under the key (a new name, a stream that gives way, another database): whoever makes
 * or removes it asks, see key-rights.ts.
 */
import type { LogAct } from "../../../broker/access/rights.ts";
import type { CommandSpec, KeyFlag } from "../core/command-spec.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

type Acts = readonly LogAct[];

const ofCommand: Readonly<Record<string, Acts>> = {
  expire: ["expire"],
  expireat: ["expire"],
  pexpire: ["expire"],
  pexpireat: ["expire"],
  move: ["read", "delete"],
  persist: ["persist"],
  xack: ["settle"],
  xackdel: ["settle", "removeEntries"],
  xdelex: ["removeEntries"],
  // What they show has been read already, by who had it pending.
  xclaim: ["settle"],
  xautoclaim: ["settle"],
  xdel: ["removeEntries"],
  xtrim: ["removeEntries"],
  xsetid: ["setLastId"],
  "troika.cancel": ["removeEntries"],
  "troika.group": ["settle"],
  "troika.nack": ["settle"],
  "xgroup|create": ["settle"],
  "xgroup|createconsumer": ["settle"],
  "xgroup|delconsumer": ["settle"],
  "xgroup|setid": ["settle"],
  "xgroup|destroy": ["deleteGroup"],
};

const getexWithOptions: Acts = ["read", "write", "expire"];
const byFlags = new Map<readonly KeyFlag[], Acts>();

export function keyActs(spec: CommandSpec, flags: readonly KeyFlag[], request: RequestArguments): Acts {
  if (spec.fullName === "getex" && request.argumentCount > 2) return getexWithOptions;
  const own = ofCommand[spec.fullName];
  if (own !== undefined) return own;
  let acts = byFlags.get(flags);
  if (acts === undefined) byFlags.set(flags, (acts = actsOf(flags)));
  return acts;
}

function actsOf(flags: readonly KeyFlag[]): Acts {
  const acts: LogAct[] = [];
  if (flags.includes("access")) acts.push("read");
  if (flags.includes("insert") || flags.includes("update")) acts.push("write");
  if (flags.includes("delete")) acts.push("delete");
  // EXISTS, TYPE, OBJECT.
  return acts.length > 0 ? acts : ["describe"];
}

/** Commands that make a value under each of their keys that is not there. */
const makers: ReadonlySet<string> = new Set([
  "append",
  "bitfield",
  "decr",
  "decrby",
  "geoadd",
  "getset",
  "hincrby",
  "hincrbyfloat",
  "hmset",
  "hset",
  "hsetex",
  "hsetnx",
  "incr",
  "incrby",
  "incrbyfloat",
  "lpush",
  "mset",
  "msetnx",
  "pfadd",
  "psetex",
  "restore",
  "sadd",
  "rpush",
  "set",
  "setbit",
  "setex",
  "setnx",
  "setrange",
  "zadd",
  "zincrby",
]);
const zaddOptions = ["NX", "GT", "LT", "CH", "INCR"];

/** Whether the command makes a value under each of its keys that is not there. */
export function makesValues({ fullName }: CommandSpec, request: RequestArguments): boolean {
  if (!makers.has(fullName)) return false;
  if (fullName === "bitfield") return writesBits(request);
  if (fullName === "zadd" || fullName === "geoadd") return !isZaddOfThose(request);
  if (fullName !== "set") return true;
  for (let index = 3; index < request.argumentCount; index++) if (request.is(index, "XX")) return false;
  return true;
}

/** Whether BITFIELD does more than read. What stands for an option may be an operand: then a right too much is asked for. */
function writesBits(request: RequestArguments): boolean {
  for (let index = 2; index < request.argumentCount; index++)
    if (request.is(index, "SET") || request.is(index, "INCRBY")) return true;
  return false;
}

/** XX among the options of ZADD or GEOADD: it changes members that are there. */
function isZaddOfThose(request: RequestArguments): boolean {
  for (let index = 2; index < request.argumentCount; index++) {
    if (request.is(index, "XX")) return true;
    if (!zaddOptions.some((word) => request.is(index, word))) return false;
  }
  return false;
}
