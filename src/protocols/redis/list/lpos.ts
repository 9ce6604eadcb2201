/** LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]. A large list is searched in slices. */
import type { Job } from "../../../base/turn-work.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { findList, listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";

export const lposCommand: CommandRow = {
  name: "lpos",
  arity: -3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "6.0.6",
  complexity: "O(N), N elements of the list",
  summary: "Finds where an element stands in a list.",
  run: lpos,
};

const int64Min = -(2n ** 63n);

/** The search, as far as it has come. */
class Search {
  readonly isReverse: boolean;
  /** -1: one match, and not in a list. */
  readonly count: number;
  readonly #matchesMax: number;
  readonly #lengthMax: number;
  #toSkip: number;
  #looked = 0;
  #found = 0;

  constructor(rank: number, count: number, lengthMax: number) {
    this.isReverse = rank < 0;
    this.#toSkip = Math.abs(rank) - 1;
    this.count = count;
    this.#matchesMax = count < 0 ? 1 : count === 0 ? Infinity : count;
    this.#lengthMax = lengthMax === 0 ? Infinity : lengthMax;
  }

  get found(): number {
    return this.#found;
  }

  get isOver(): boolean {
    return this.#found >= this.#matchesMax || this.#looked >= this.#lengthMax;
  }

  /** Looks at the next element; says whether it is one that was looked for. */
  look(isEqual: boolean): boolean {
    this.#looked++;
    if (!isEqual) return false;
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return false;
    }
    this.#found++;
    return true;
  }

  /** The index of the element that was looked at last, of so many. */
  indexOf(size: number): number {
    return this.isReverse ? size - this.#looked : this.#looked - 1;
  }
}

function lpos(context: CommandContext): void {
  const { reply } = context;
  const search = parse(context);
  const database = keysOf(context);
  const { content } = database;
  const entry = findList(context, database, 1);
  if (entry === 0) {
    if (search.count < 0) return reply.null();
    return reply.array(0);
  }
  if (content.isLarge(entry)) return answerInSlices(context, (parts) => searchLarge(context, parts));
  const { buffer, starts, ends } = context.request;
  const lists = listsOf(context);
  const size = lists.count(content, entry);
  const places: number[] = [];
  lists.begin(content, entry, search.isReverse ? size - 1 : 0, search.isReverse);
  while (!search.isOver && lists.next())
    if (search.look(lists.equals(buffer, starts[2]!, ends[2]!))) places.push(search.indexOf(size));
  if (search.count >= 0) reply.array(places.length);
  for (const place of places) reply.integer(place);
  if (search.count < 0 && places.length === 0) reply.null();
}

/** The job may begin in a later turn, so it looks for the list itself. */
function* searchLarge(context: CommandContext, parts: PartedReply): Job<void> {
  const { reply, request } = context;
  const { content } = keysOf(context);
  const entry = findList(context, keysOf(context), 1);
  if (entry === 0 || !content.isLarge(entry)) {
    lpos(context);
    return;
  }
  const { buffer, starts, ends } = request;
  const [start, end] = [starts[2]!, ends[2]!];
  const search = parse(context);
  const { isReverse } = search;
  const walk = new ListWalk(content, entry);
  const { list } = walk;
  const size = list.count;
  const cursor = new ListCursor();
  const head = search.count < 0 ? -1 : parts.openList();
  yield* walk.go(isReverse ? size - 1 : 0, isReverse, (at) => {
    list.open(at);
    const { bytes } = list;
    let place = isReverse ? list.tail : list.head;
    for (let left = list.ring.countAt(at); left > 0 && !search.isOver; left--) {
      if (isReverse) cursor.readBack(bytes, place);
      else cursor.read(bytes, place);
      place = isReverse ? cursor.from : cursor.until;
      if (search.look(cursor.equals(bytes, buffer, start, end))) reply.integer(search.indexOf(size));
    }
    return !search.isOver;
  });
  if (head >= 0) parts.closeList(head, search.found);
  else if (search.found === 0) reply.null();
}

function parse({ request }: CommandContext): Search {
  let rank = 1;
  let count = -1;
  let lengthMax = 0;
  for (let index = 3; index < request.argumentCount; index += 2) {
    const hasValue = index + 1 < request.argumentCount;
    if (hasValue && request.is(index, "RANK")) {
      rank = rankArgument(request, index + 1);
      if (rank === 0)
        throw new RedisError(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        );
    } else if (hasValue && request.is(index, "COUNT")) {
      count = request.integer(index + 1);
      if (!(count >= 0)) throw new RedisError("ERR COUNT can't be negative");
    } else if (hasValue && request.is(index, "MAXLEN")) {
      lengthMax = request.integer(index + 1);
      if (!(lengthMax >= 0)) throw new RedisError("ERR MAXLEN can't be negative");
    } else throw syntaxError();
  }
  return new Search(rank, count, lengthMax);
}

/** The least of all integers has no positive one: redis takes it for the first match from the end. */
function rankArgument(request: RequestArguments, index: number): number {
  const rank = request.bigInteger(index);
  if (rank === undefined) throw new RedisError(errorTexts.notInteger);
  return rank === int64Min ? -1 : Number(rank);
}
