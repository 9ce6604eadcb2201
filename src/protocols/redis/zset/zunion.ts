/**
 * ZUNION, ZINTER and ZDIFF numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES], the same with STORE,
 * and ZINTERCARD numkeys key [key ...] [LIMIT limit]. Their keys may hold sets too, whose members all have score 1.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import { SortedSetBuild } from "../../../keyspace/values/sorted/sorted-set-build.ts";
import type { CommandContext } from "../core/context.ts";
import { countedKeys, oneKey, type CommandRow } from "../core/command-spec.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { storeResult } from "../keys/store-result.ts";
import { type Aggregate, count, make, type Operation, parseAggregate } from "./aggregate.ts";
import { eachInRange } from "./range-walk.ts";
import { listLength, replyFound, sortedSetsOf } from "./sorted-set-key.ts";
import { type KeyEvent, keyEvents } from "../notifications/key-events.ts";

export const zdiffCommands: readonly CommandRow[] = [
  {
    name: "zdiff",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    keys: [countedKeys(1, "RO", "access")],
    since: "6.2.0",
    complexity: "O(L+(N-K)*log(N)), L members in all, N in the first, K in the result",
    summary: "Gives the members of a sorted set that the others lack.",
    run: (context) => show(context, "diff"),
  },
  {
    name: "zdiffstore",
    arity: -4,
    flags: ["write", "denyoom", "movablekeys"],
    keys: [oneKey(1, "OW", "update"), countedKeys(2, "RO", "access")],
    since: "6.2.0",
    complexity: "O(L+(N-K)*log(N)), L members in all, N in the first, K in the result",
    summary: "Stores the members of a sorted set that the others lack.",
    run: (context) => store(context, "diff"),
  },
];

export const zinterCommands: readonly CommandRow[] = [
  {
    name: "zinter",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    keys: [countedKeys(1, "RO", "access")],
    since: "6.2.0",
    complexity: "O(N*K)+O(M*log(M)), N members of the smallest, K sets, M in the result",
    summary: "Gives the members that all sorted sets have.",
    run: (context) => show(context, "inter"),
  },
  {
    name: "zintercard",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    keys: [countedKeys(1, "RO", "access")],
    since: "7.0.0",
    complexity: "O(N*K), N members of the smallest, K sets",
    summary: "Counts the members that all sorted sets have.",
    run: zintercard,
  },
  {
    name: "zinterstore",
    arity: -4,
    flags: ["write", "denyoom", "movablekeys"],
    keys: [oneKey(1, "OW", "update"), countedKeys(2, "RO", "access")],
    since: "2.0.0",
    complexity: "O(N*K)+O(M*log(M)), N members of the smallest, K sets, M in the result",
    summary: "Stores the members that all sorted sets have.",
    run: (context) => store(context, "inter"),
  },
];

export const zunionCommands: readonly CommandRow[] = [
  {
    name: "zunion",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    keys: [countedKeys(1, "RO", "access")],
    since: "6.2.0",
    complexity: "O(N)+O(M*log(M)), N members in all, M in the result",
    summary: "Gives the members that any of the sorted sets has.",
    run: (context) => show(context, "union"),
  },
  {
    name: "zunionstore",
    arity: -4,
    flags: ["write", "denyoom", "movablekeys"],
    keys: [oneKey(1, "OW", "update"), countedKeys(2, "RO", "access")],
    since: "2.0.0",
    complexity: "O(N)+O(M*log(M)), N members in all, M in the result",
    summary: "Stores the members that any of the sorted sets has.",
    run: (context) => store(context, "union"),
  },
];

function show(context: CommandContext, operation: Operation): void {
  const aggregate = parseAggregate(context, operation, 1, "shown");
  if (!aggregate.isShort) return answerInSlices(context, (parts) => writeInSlices(context, aggregate, parts));
  const build = new SortedSetBuild(context.server.keyspace, "shown", "skiplist");
  try {
    finishNow(make(context, aggregate, build));
    writeAll(context, build, aggregate.withScores);
  } finally {
    build.drop();
  }
}

function writeAll(
  context: CommandContext,
  { content, entry, count: size }: SortedSetBuild,
  withScores: boolean,
): void {
  const sets = sortedSetsOf(context);
  context.reply.array(listLength(context, size, withScores));
  sets.seek(content, entry, 0);
  while (sets.next()) replyFound(context, withScores);
}

function* writeInSlices(context: CommandContext, aggregate: Aggregate, parts: PartedReply): Job<void> {
  const { withScores } = aggregate;
  const build = new SortedSetBuild(context.server.keyspace, "shown", "skiplist");
  try {
    for (const units of make(context, aggregate, build)) {
      parts.bytesAside = build.bytes;
      yield units;
    }
    const { content, entry } = build;
    context.reply.array(listLength(context, build.count, withScores));
    const all = { first: 0, count: build.count, isReverse: false };
    yield* eachInRange(sortedSetsOf(context), content, entry, all, () => replyFound(context, withScores));
  } finally {
    build.drop();
    parts.bytesAside = 0;
  }
}

const storeEvents: Readonly<Record<Operation, KeyEvent>> = {
  union: keyEvents.zunionstore,
  inter: keyEvents.zinterstore,
  diff: keyEvents.zdiffstore,
};

function store(context: CommandContext, operation: Operation): void {
  const aggregate = parseAggregate(context, operation, 2, "stored");
  storeResult(context, {
    index: 1,
    event: storeEvents[operation],
    isShort: aggregate.isShort,
    begin: () => new SortedSetBuild(context.server.keyspace, "stored", "skiplist"),
    make: (build) => make(context, aggregate, build),
  });
}

function zintercard(context: CommandContext): void {
  const aggregate = parseAggregate(context, "inter", 1, "counted");
  if (aggregate.isShort) finishNow(replyCount(context, aggregate));
  else answerInSlices(context, () => replyCount(context, aggregate));
}

function* replyCount(context: CommandContext, aggregate: Aggregate): Job<void> {
  context.reply.integer(yield* count(context, aggregate));
}
