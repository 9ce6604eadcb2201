/**
 * SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]
 * SORT_RO, which does not store.
 *
 * In slices: the elements are copied first, so that what is sorted is one moment of a small value, and of a large one each element that is
 * there throughout. Not here: which types can be sorted (sort-sources.ts), patterns (sort-patterns.ts).
 */
import { type Job, Piece } from "../../../../base/turn-work.ts";
import { sortedInSlices } from "../../../../base/sliced-sort.ts";
import { mayReadEveryKey } from "../../acl/check.ts";
import { assertMayPut } from "../../acl/key-rights.ts";
import { keySlot, patternSlot } from "../../cluster/key-slot.ts";
import { oneKey, unknownKeys, type CommandRow } from "../../core/command-spec.ts";
import type { CommandContext } from "../../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../../core/errors.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { answerInSlices, unitsOfBytes } from "../../core/sliced-reply.ts";
import { storeList } from "../../list/sort-list.ts";
import { assertReplaceable, writableKeysOf } from "../key-access.ts";
import type { CommandArguments, FoundKey } from "../../core/command-keys.ts";
import { keyAt } from "../key-ref.ts";
import { findByPattern, isPattern, type SortPattern, sortPattern, textOfFound } from "./sort-patterns.ts";
import { compareItems, type SortItem, scoreOf } from "./sort-order.ts";
import { type SortRange, sortSources } from "./sort-sources.ts";
import type { RequestArguments } from "../../wire/request-arguments.ts";
import { removeDestination } from "../store-result.ts";
import { keyEvents } from "../../notifications/key-events.ts";

export const sortCommands: readonly CommandRow[] = [
  {
    name: "sort",
    arity: -2,
    flags: ["write", "denyoom", "movablekeys"],
    categories: ["set", "sortedset", "list", "dangerous"],
    keys: [oneKey(1, "RO", "access"), unknownKeys("RO", "access"), unknownKeys("OW", "update")],
    since: "1.0.0",
    complexity: "O(N+M*log(M)), N elements, M returned",
    summary: "Sorts a list, set or sorted set, and may store the result.",
    keysOf: keysOfSort,
    run: sort,
  },
  {
    name: "sort_ro",
    arity: -2,
    flags: ["readonly", "movablekeys"],
    categories: ["set", "sortedset", "list", "dangerous"],
    keys: [oneKey(1, "RO", "access"), unknownKeys("RO", "access")],
    since: "7.0.0",
    complexity: "O(N+M*log(M)), N elements, M returned",
    summary: "Sorts a list, set or sorted set.",
    run: sortRo,
  },
];

/** BY and GET name keys by patterns, so no argument is such a key. The last STORE counts. Options are stepped over, as they may hold the word too. */
function keysOfSort(request: CommandArguments): readonly FoundKey[] {
  const source: FoundKey = { index: 1, flags: ["RO", "access"] };
  let destination = 0;
  for (let index = 2; index < request.argumentCount - 1; index++) {
    if (request.is(index, "LIMIT")) index += 2;
    else if (request.is(index, "BY") || request.is(index, "GET")) index++;
    else if (request.is(index, "STORE")) destination = ++index;
  }
  return destination === 0 ? [source] : [source, { index: destination, flags: ["OW", "update"] }];
}

interface SortOptions {
  isDescending: boolean;
  isAlpha: boolean;
  /** BY has said a pattern without `*`: the elements stay in their own order. */
  isUnsorted: boolean;
  by: SortPattern | null;
  readonly gets: SortPattern[];
  offset: number;
  /** Negative: all. */
  count: number;
  /** The argument that is the destination; 0 for none. */
  destination: number;
}

const unitsOfElement = 0.5;
const unitsOfLookUp = 1;

function sort(context: CommandContext): void {
  start(context, parse(context, true));
}

function sortRo(context: CommandContext): void {
  start(context, parse(context, false));
}

function parse(context: CommandContext, mayStore: boolean): SortOptions {
  const { request } = context;
  const options: SortOptions = {
    isDescending: false,
    isAlpha: false,
    isUnsorted: false,
    by: null,
    gets: [],
    offset: 0,
    count: -1,
    destination: 0,
  };
  for (let index = 2; index < request.argumentCount; index++) {
    const left = request.argumentCount - index - 1;
    if (request.is(index, "ASC")) options.isDescending = false;
    else if (request.is(index, "DESC")) options.isDescending = true;
    else if (request.is(index, "ALPHA")) options.isAlpha = true;
    else if (request.is(index, "LIMIT") && left >= 2) {
      options.offset = wholeArgument(request.integer(++index));
      options.count = wholeArgument(request.integer(++index));
    } else if (mayStore && request.is(index, "STORE") && left >= 1) options.destination = ++index;
    else if (request.is(index, "BY") && left >= 1) {
      const pattern = request.latin1(++index);
      if (isPattern(pattern)) assertMayLookUp(context, "BY", index);
      else options.isUnsorted = true;
      options.by = sortPattern(pattern);
    } else if (request.is(index, "GET") && left >= 1) {
      assertMayLookUp(context, "GET", ++index);
      options.gets.push(sortPattern(request.latin1(index)));
    } else throw syntaxError();
  }
  return options;
}

function wholeArgument(value: number): number {
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

/** The pattern at `index` may come to any key; in a cluster, to any of the slot that is sorted (since Redis 7.4). */
function assertMayLookUp(context: CommandContext, option: "BY" | "GET", index: number): void {
  if (context.server.cluster !== null && !isOfSortedSlot(context.request, option, index))
    throw new RedisError(
      `ERR ${option} option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.`,
    );
  if (!mayReadEveryKey(context))
    throw new RedisError(`ERR ${option} option of SORT denied due to insufficient ACL permissions.`);
}

function isOfSortedSlot(request: RequestArguments, option: "BY" | "GET", index: number): boolean {
  if (option === "GET" && request.latin1(index) === "#") return true;
  return patternSlot(request.copy(index)) === keySlot(request.buffer, request.starts[1]!, request.ends[1]!);
}

function start(context: CommandContext, options: SortOptions): void {
  if (options.destination > 0) assertMayStore(context, options.destination);
  answerInSlices(context, (parts) => answer(context, parts, options));
}

function assertMayStore(context: CommandContext, destination: number): void {
  writableKeysOf(context);
  assertMayPut(context, context.request.latin1(destination), context.database);
  assertReplaceable(context, destination);
}

function* answer(context: CommandContext, parts: PartedReply, options: SortOptions): Job<void> {
  const sorted = yield* sortedElements(context, parts, options);
  if (options.destination > 0) yield* store(context, sorted, options);
  else yield* write(context, sorted, options);
  parts.bytesAside = 0;
}

/** The elements that are wanted, in their order. */
function* sortedElements(
  context: CommandContext,
  parts: PartedReply,
  options: SortOptions,
): Job<readonly string[]> {
  const { exists, stream, database, entry } = keyAt(context, 1);
  if (!exists) return [];
  const source = stream === undefined ? sortSources[database.table.type(entry)] : undefined;
  if (source === undefined) throw new RedisError(errorTexts.wrongType);
  let order = options;
  // What has no order of its own is stored, or seen by scripts, in that of its bytes.
  if (options.isUnsorted && !source.isOrdered && (options.destination > 0 || context.caller.place === "lua"))
    order = { ...options, isUnsorted: false, isAlpha: true, by: null };
  const isOwnOrder = order.isUnsorted && source.isOrdered;
  const wanted = isOwnOrder ? (size: number) => ownRange(size, options) : wholeRange;
  const hold = (bytes: number): void => void (parts.bytesAside = bytes);
  const elements = yield* source.read(context, database, entry, hold, wanted);
  if (isOwnOrder) return elements;
  const sorted = order.isUnsorted ? elements : yield* inOrder(context, elements, order);
  const { first, last } = rangeOf(elements.length, options);
  return sorted.slice(first, last + 1);
}

function wholeRange(size: number): SortRange {
  return { first: 0, count: size, isReverse: false };
}

/** Of what stays in its order only the part that is wanted is read. */
function ownRange(size: number, options: SortOptions): SortRange {
  const { first, last } = rangeOf(size, options);
  const { isDescending } = options;
  return {
    first: isDescending ? size - 1 - first : first,
    count: Math.max(last + 1 - first, 0),
    isReverse: isDescending,
  };
}

function rangeOf(size: number, { offset, count }: SortOptions): { first: number; last: number } {
  const first = Math.max(offset, 0);
  return { first, last: Math.min(count < 0 ? size - 1 : first + count - 1, size - 1) };
}

function* inOrder(
  context: CommandContext,
  elements: readonly string[],
  { isAlpha, isDescending, by }: SortOptions,
): Job<string[]> {
  const piece = new Piece();
  const items: SortItem[] = [];
  for (const element of elements) {
    let text: string | null = element;
    if (by !== null) text = findByPattern(context, by, element) ? textOfFound() : null;
    const score = isAlpha || text === null ? 0 : scoreOf(text);
    if (Number.isNaN(score)) throw new RedisError("ERR One or more scores can't be converted into double");
    items.push({ element, text, score });
    const due = piece.add(by === null ? unitsOfElement : unitsOfLookUp);
    if (due > 0) yield due;
  }
  const sorted = yield* sortedInSlices(items, compareItems(isAlpha, isDescending));
  return sorted.map(({ element }) => element);
}

function* write(context: CommandContext, elements: readonly string[], { gets }: SortOptions): Job<void> {
  const { reply } = context;
  const piece = new Piece();
  reply.array(elements.length * Math.max(gets.length, 1));
  for (const element of elements) {
    if (gets.length === 0) reply.bulkLatin1(element);
    for (const pattern of gets) {
      if (findByPattern(context, pattern, element)) reply.bulkLatin1(textOfFound());
      else reply.null();
    }
    const due = piece.add(unitsOfElement + unitsOfLookUp * gets.length + unitsOfBytes(element.length));
    if (due > 0) yield due;
  }
}

function* store(context: CommandContext, elements: readonly string[], options: SortOptions): Job<void> {
  const { gets, destination } = options;
  const values: string[] = [];
  const piece = new Piece();
  for (const element of elements) {
    if (gets.length === 0) values.push(element);
    for (const pattern of gets) values.push(findByPattern(context, pattern, element) ? textOfFound() : "");
    const due = piece.add(unitsOfElement + unitsOfLookUp * gets.length);
    if (due > 0) yield due;
  }
  assertMayStore(context, destination);
  if (values.length === 0) removeDestination(context, destination);
  else {
    yield* storeList(context, destination, values, () => assertMayStore(context, destination));
    context.notify(keyEvents.sortstore, destination);
  }
  context.reply.integer(values.length);
}
