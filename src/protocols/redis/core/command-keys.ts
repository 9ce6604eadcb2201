/**
 * Which arguments of a command are keys, for COMMAND GETKEYS, key permissions and WATCH-like bookkeeping.
 *
 * Not here: the keys' names or what is done to them. Invariant: every index returned is an argument of the command.
 */
import { isArityMet } from "./command-table.ts";
import type { CommandSpec, KeyFlag, KeyRule } from "./command-spec.ts";

/** The arguments of a parsed command. Only a few of them are read. */
export interface CommandArguments {
  readonly argumentCount: number;
  size(index: number): number;
  integer(index: number): number;
  is(index: number, word: string): boolean;
}

export interface FoundKey {
  readonly index: number;
  readonly flags: readonly KeyFlag[];
}

/**
 * What COMMAND GETKEYS says of a request (its `tail(2)`): the keys, or redis's error text without "ERR ". `spec` is
 * what the lookup found.
 */
export function requestedKeys(
  spec: CommandSpec | undefined,
  request: CommandArguments,
): readonly FoundKey[] | string {
  if (spec === undefined) return "Invalid command specified";
  if (!canHaveKeys(spec)) return "The command has no key arguments";
  if (!isArityMet(spec, request.argumentCount)) return "Invalid number of arguments specified for command";
  const found = findKeys(spec, request);
  if (found !== undefined && found.length > 0) return found;
  return spec.flags.includes("no_mandatory_keys") ? [] : "Invalid arguments specified for command";
}

/** Whether a command can have keys at all. */
function canHaveKeys(spec: CommandSpec): boolean {
  return spec.keys.some((rule) => !rule.flags.includes("not_key"));
}

/**
 * The keys in the order of the rules; undefined when the arguments do not fit them (a count too large, for instance).
 * `withChannels`: shard channels too, which have slots as keys have. Where there are more than `most`, the first ones and one more.
 */
export function findKeys(
  { keys, keysOf }: CommandSpec,
  request: CommandArguments,
  withChannels = false,
  most = Infinity,
): readonly FoundKey[] | undefined {
  if (keysOf !== undefined) return keysOf(request);
  const found: FoundKey[] = [];
  for (const rule of keys) {
    if (!withChannels && rule.flags.includes("not_key")) continue;
    if (!addKeys(rule, request, found, most)) return undefined;
  }
  return found;
}

/** Whether one of the arguments from `first` on is that word. What stands for it may be an operand. */
export function hasWord(request: CommandArguments, word: string, first: number): boolean {
  for (let index = first; index < request.argumentCount; index++) if (request.is(index, word)) return true;
  return false;
}

function addKeys(rule: KeyRule, request: CommandArguments, found: FoundKey[], most: number): boolean {
  const count = request.argumentCount;
  const { begin, find, flags } = rule;
  let start: number;
  if (begin.type === "unknown") return true;
  if (begin.type === "keyword") {
    const at =
      begin.startFrom > 0
        ? findKeyword(request, begin.keyword, begin.startFrom, count - 1, 1)
        : findKeyword(request, begin.keyword, count + begin.startFrom, 0, -1);
    if (at < 0) return true;
    start = at + 1;
  } else start = begin.index;
  if (find.type === "unknown") return true;
  let first = start;
  let last: number;
  if (find.type === "keynum") {
    const keys = start + find.keyNumIndex < count ? request.integer(start + find.keyNumIndex) : NaN;
    if (!(keys >= 0)) return false;
    first = start + find.firstKey;
    last = first + (keys - 1) * find.keyStep;
    if (last >= count) return false;
  } else if (find.lastKey >= 0) last = start + find.lastKey;
  else if (find.limit <= 1) last = count + find.lastKey;
  else last = start + Math.floor((count - start) / find.limit) + find.lastKey;
  if (last >= count) return false;
  for (let index = first; index <= last && found.length <= most; index += find.keyStep)
    found.push({ index, flags });
  return true;
}

/** Searches from `from` towards `to`, exclusive. */
function findKeyword(
  request: CommandArguments,
  keyword: string,
  from: number,
  to: number,
  step: 1 | -1,
): number {
  for (let index = from; step > 0 ? index < to : index > to; index += step) {
    if (request.is(index, keyword)) return index;
  }
  return -1;
}
