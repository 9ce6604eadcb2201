/**
 * GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit | BYBOX width height unit [ASC | DESC]
 * [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH], GEOSEARCHSTORE, and the older GEORADIUS and GEORADIUSBYMEMBER with their
 * read-only forms. The members of a few cells of the grid are looked at; where they are many, in slices.
 */
import type { CommandArguments, FoundKey } from "../core/command-keys.ts";
import { sortInSlices } from "./sort-in-slices.ts";
import { finishNow, type Job, Piece } from "../../../base/turn-work.ts";
import { SortedSetBuild } from "../../../keyspace/values/sorted/sorted-set-build.ts";
import type { CommandContext } from "../core/context.ts";
import { keysBehind, oneKey, type CommandRow } from "../core/command-spec.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { storeResult } from "../keys/store-result.ts";
import { eachInRange } from "../zset/range-walk.ts";
import { findSortedSet, sortedSetsOf } from "../zset/sorted-set-key.ts";
import { cellsOf, distanceWithin, type Shape } from "./cells.ts";
import { type Position, positionOf, scoresOf } from "./coordinates.ts";
import { replyDistance, replyPosition } from "./geo-arguments.ts";
import { parseSearch, type Search, type SearchSyntax } from "./search-arguments.ts";
import { keyEvents } from "../notifications/key-events.ts";

const source: FoundKey = { index: 1, flags: ["RO", "access"] };

/**
 * Every destination that the options name, though the last one counts: redis finds the first ones only, and so lets a user store where the
 * user's rules say no.
 */
function keysOfSearch(request: CommandArguments, firstOption: number): readonly FoundKey[] {
  const found = [source];
  for (let index = firstOption; index < request.argumentCount - 1; index++)
    if (request.is(index, "COUNT")) index++;
    else if (request.is(index, "STORE") || request.is(index, "STOREDIST"))
      found.push({ index: ++index, flags: ["OW", "update"] });
  return found;
}

export const georadiusCommands: readonly CommandRow[] = [
  {
    name: "georadius",
    arity: -6,
    flags: ["write", "denyoom", "movablekeys"],
    keys: [
      oneKey(1, "RO", "access"),
      keysBehind("STORE", { startFrom: 6, lastKey: 0, limit: 0 }, "OW", "update"),
      keysBehind("STOREDIST", { startFrom: 6, lastKey: 0, limit: 0 }, "OW", "update"),
    ],
    keysOf: (request) => keysOfSearch(request, 6),
    since: "3.2.0",
    complexity: "O(N+log(M)), N members in the box, M in the index",
    summary: "Finds members within a distance of a point, and may store them.",
    deprecated: {
      since: "6.2.0",
      replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    },
    run: searcher({ by: "position", keyIndex: 1, stores: "option" }),
  },
  {
    name: "georadius_ro",
    arity: -6,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "3.2.10",
    complexity: "O(N+log(M)), N members in the box, M in the index",
    summary: "Finds members within a distance of a point.",
    deprecated: { since: "6.2.0", replacedBy: "`GEOSEARCH` with the `BYRADIUS` argument" },
    run: searcher({ by: "position", keyIndex: 1, stores: "never" }),
  },
  {
    name: "georadiusbymember",
    arity: -5,
    flags: ["write", "denyoom", "movablekeys"],
    keys: [
      oneKey(1, "RO", "access"),
      keysBehind("STORE", { startFrom: 5, lastKey: 0, limit: 0 }, "OW", "update"),
      keysBehind("STOREDIST", { startFrom: 5, lastKey: 0, limit: 0 }, "OW", "update"),
    ],
    keysOf: (request) => keysOfSearch(request, 5),
    since: "3.2.0",
    complexity: "O(N+log(M)), N members in the box, M in the index",
    summary: "Finds members within a distance of a member, and may store them.",
    deprecated: {
      since: "6.2.0",
      replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    },
    run: searcher({ by: "member", keyIndex: 1, stores: "option" }),
  },
  {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "3.2.10",
    complexity: "O(N+log(M)), N members in the box, M in the index",
    summary: "Finds members within a distance of a member.",
    deprecated: {
      since: "6.2.0",
      replacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    },
    run: searcher({ by: "member", keyIndex: 1, stores: "never" }),
  },
];

export const geosearchCommands: readonly CommandRow[] = [
  {
    name: "geosearch",
    arity: -7,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "6.2.0",
    complexity: "O(N+log(M)), N members in the grid box, M in the shape",
    summary: "Finds members inside a circle or a box.",
    run: searcher({ by: "options", keyIndex: 1, stores: "never" }),
  },
  {
    name: "geosearchstore",
    arity: -8,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "OW", "update"), oneKey(2, "RO", "access")],
    since: "6.2.0",
    complexity: "O(N+log(M)), N members in the grid box, M in the shape",
    summary: "Finds members inside a circle or a box and stores them.",
    run: searcher({ by: "options", keyIndex: 2, stores: "always" }),
  },
];

/** Of looking at a member's position, beside finding it. */
const unitsOfLook = 0.5;
const unitsOfFound = 1;
const pointBytes = 150;

interface Found {
  readonly member: Buffer;
  readonly score: number;
  readonly position: Position;
  /** In meters. */
  readonly distance: number;
}

function searcher(syntax: SearchSyntax): (context: CommandContext) => void {
  return (context) => {
    const search = parseSearch(context, syntax);
    if (search.storeIndex > 0) return storeFound(context, syntax.keyIndex, search);
    if (search.shape === null) return context.reply.array(0);
    if (isShort(context, syntax.keyIndex, search.shape))
      return replyAll(context, finishNow(find(context, syntax.keyIndex, search, null)), search);
    answerInSlices(context, (parts) => replyInSlices(context, parts, syntax.keyIndex, search));
  };
}

/** The ranges of scores that the shape may have, as ranks. */
function ranksOf(
  context: CommandContext,
  entry: number,
  [from, beyond]: readonly [number, number],
): { first: number; count: number } {
  const sets = sortedSetsOf(context);
  const { content } = keysOf(context);
  const first = sets.rankOfScore(content, entry, from, "before");
  return { first, count: sets.rankOfScore(content, entry, beyond, "before") - first };
}

function isShort(context: CommandContext, keyIndex: number, shape: Shape): boolean {
  const entry = findSortedSet(context, keysOf(context), keyIndex);
  let count = 0;
  for (const cell of cellsOf(shape)) count += ranksOf(context, entry, scoresOf(cell)).count;
  return count <= directItemsMax;
}

/** What is within the shape, in the order that is wanted, as many as are wanted. */
function* find(
  context: CommandContext,
  keyIndex: number,
  { shape, count, isAny, order }: Search,
  parts: PartedReply | null,
): Job<Found[]> {
  const found: Found[] = [];
  if (shape === null) return found;
  const most = isAny ? count : Infinity;
  for (const cell of cellsOf(shape)) {
    if (found.length >= most) break;
    yield* findInRange(context, keyIndex, shape, scoresOf(cell), found, most, parts);
  }
  if (order === "none") return found.slice(0, count === 0 ? found.length : count);
  const compare =
    order === "nearest"
      ? (one: Found, other: Found) => one.distance - other.distance
      : (one: Found, other: Found) => other.distance - one.distance;
  const sorted =
    found.length <= directItemsMax ? found.toSorted(compare) : yield* sortInSlices(found, compare);
  return sorted.slice(0, count === 0 ? found.length : count);
}

function* findInRange(
  context: CommandContext,
  keyIndex: number,
  shape: Shape,
  scores: readonly [number, number],
  found: Found[],
  most: number,
  parts: PartedReply | null,
): Job<void> {
  const sets = sortedSetsOf(context);
  const { content } = keysOf(context);
  const entry = findSortedSet(context, keysOf(context), keyIndex);
  if (entry === 0) return;
  const { first, count } = ranksOf(context, entry, scores);
  let looked = 0;
  const look = (): void => {
    looked++;
    if (found.length >= most) return;
    const position = positionOf(sets.score);
    const distance = distanceWithin(shape, position);
    if (distance === null) return;
    const member = Buffer.from(sets.bytes.subarray(sets.start, sets.end));
    found.push({ member, score: sets.score, position, distance });
    if (parts !== null) parts.bytesAside += pointBytes + member.length;
  };
  for (const units of eachInRange(sets, content, entry, { first, count, isReverse: false }, look)) {
    if (found.length >= most) return;
    yield units + looked * unitsOfLook;
    looked = 0;
  }
}

function replyAll(context: CommandContext, all: readonly Found[], search: Search): void {
  context.reply.array(all.length);
  for (const found of all) replyOne(context, found, search);
}

function replyOne(
  context: CommandContext,
  { member, score, position, distance }: Found,
  { unit, withDistance, withHash, withPosition }: Search,
): void {
  const { reply } = context;
  const options = Number(withDistance) + Number(withHash) + Number(withPosition);
  if (options > 0) reply.array(options + 1);
  reply.bulk(member);
  if (withDistance) replyDistance(context, distance / unit);
  if (withHash) reply.bigInteger(BigInt(Math.trunc(score)));
  if (withPosition) replyPosition(context, position);
}

function* replyInSlices(
  context: CommandContext,
  parts: PartedReply,
  keyIndex: number,
  search: Search,
): Job<void> {
  try {
    const all = yield* find(context, keyIndex, search, parts);
    context.reply.array(all.length);
    const piece = new Piece();
    for (const found of all) {
      replyOne(context, found, search);
      const due = piece.add(unitsOfFound);
      if (due > 0) yield due;
    }
  } finally {
    parts.bytesAside = 0;
  }
}

function storeFound(context: CommandContext, keyIndex: number, search: Search): void {
  const { shape, unit, storeIndex, storesDistance } = search;
  storeResult(context, {
    index: storeIndex,
    event: context.spec.name === "geosearchstore" ? keyEvents.geosearchstore : keyEvents.georadiusstore,
    isShort: shape === null || isShort(context, keyIndex, shape),
    begin: () => new SortedSetBuild(context.server.keyspace, "stored", "skiplist"),
    make: function* (build): Job<void> {
      const piece = new Piece();
      for (const { member, score, distance } of yield* find(context, keyIndex, search, null)) {
        build.set(storesDistance ? distance / unit : score, member, 0, member.length);
        const due = piece.add(unitsOfFound);
        if (due === 0) continue;
        build.pause();
        yield due;
      }
    },
  });
}
