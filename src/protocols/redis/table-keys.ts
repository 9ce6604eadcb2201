/**
 * Which arguments of a command are keys, for COMMAND GETKEYS, key permissions and WATCH-like bookkeeping.
 *
 * Not here: the keys' names or what is done to them. Invariant: every index returned is an argument of the command.
 */
import type { CommandSpec, KeyFlag, KeyRule } from "./table-spec.ts";

/** The arguments of a parsed command, of which only few are looked at. RequestParser is one. */
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

/** Whether a command can have keys at all: redis has its own error for GETKEYS of one that cannot. */
export function canHaveKeys(spec: CommandSpec): boolean {
  return spec.keys.some((rule) => !rule.flags.includes("not_key"));
}

/** The keys in the order of the rules; undefined when the arguments do not fit them (a count too large, for instance). */
export function findKeys(spec: CommandSpec, request: CommandArguments): FoundKey[] | undefined {
  const found: FoundKey[] = [];
  for (const rule of spec.keys) {
    if (rule.flags.includes("not_key")) continue;
    if (!addKeys(spec, rule, request, found)) return undefined;
  }
  return found;
}

function addKeys(spec: CommandSpec, rule: KeyRule, request: CommandArguments, found: FoundKey[]): boolean {
  const count = request.argumentCount;
  const { begin, find, flags } = rule;
  // MIGRATE has either one key or, if that is empty, those behind KEYS.
  if (spec.name === "migrate" && begin.type === "index" && request.size(begin.index) === 0) return true;
  let start: number;
  if (begin.type === "unknown") {
    // SORT: STORE may stand anywhere, and the last one counts. BY and GET name keys by pattern: there are none to give.
    if (spec.name === "sort" && flags.includes("OW")) {
      const store = findKeyword(request, "STORE", 2, count - 1, 1);
      if (store > 0) found.push({ index: store + 1, flags });
    }
    return true;
  }
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
  for (let index = first; index <= last; index += find.keyStep) found.push({ index, flags });
  return true;
}

/** Searches from `from` towards `to`, which is left out. */
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
