/**
 * BZPOPMIN and BZPOPMAX key [key ...] timeout, and BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]: as ZPOPMIN, ZPOPMAX
 * and ZMPOP, but that they wait while none of the keys has a sorted set.
 */
import { valueType } from "../../../keyspace/value-type.ts";
import { secondsArgument } from "../blocking/timeout-argument.ts";
import type { Wait } from "../blocking/wait.ts";
import type { CommandContext } from "../core/context.ts";
import { countedKeys, keyRange, type CommandRow } from "../core/command-spec.ts";
import { findEntry, writableKeysOf } from "../keys/key-access.ts";
import { type End, type Pop, replyPopped } from "./pop.ts";
import { findSortedSet } from "./sorted-set-key.ts";
import { parseManyPop, popOfKey } from "./zmpop.ts";

export const bzpopCommands: readonly CommandRow[] = [
  {
    name: "bzmpop",
    arity: -5,
    flags: ["write", "blocking", "movablekeys"],
    keys: [countedKeys(2, "RW", "access", "delete")],
    since: "7.0.0",
    complexity: "O(K)+O(M*log(N)), K keys, M members taken of N",
    summary: "Takes members by score from the first sorted set that has any, waiting for one.",
    run: bzmpop,
  },
  {
    name: "bzpopmax",
    arity: -3,
    flags: ["write", "noscript", "blocking", "fast"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "5.0.0",
    complexity: "O(log(N)), N members",
    summary: "Takes the member with the highest score, waiting for one.",
    run: (context) => bzpop(context, "max"),
  },
  {
    name: "bzpopmin",
    arity: -3,
    flags: ["write", "noscript", "blocking", "fast"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "5.0.0",
    complexity: "O(log(N)), N members",
    summary: "Takes the member with the lowest score, waiting for one.",
    run: (context) => bzpop(context, "min"),
  },
];

/** What such a command takes, from the first of its keys that has something. */
interface WaitingPop {
  /** The arguments of its keys. */
  readonly firstKey: number;
  readonly keyCount: number;
  readonly timeoutMs: number;
  /** What is taken from the key in that argument. */
  readonly popOf: (context: CommandContext, index: number) => Pop;
}

function bzpop(context: CommandContext, end: End): void {
  const { argumentCount } = context.request;
  const timeoutMs = secondsArgument(context, argumentCount - 1);
  const popOf = (again: CommandContext, index: number): Pop => ({
    end,
    count: 1,
    isPaired: false,
    writeHead: (reply) => {
      reply.array(3);
      reply.bulk(again.request.view(index));
    },
  });
  popOrWait(context, { firstKey: 1, keyCount: argumentCount - 2, timeoutMs, popOf });
}

function bzmpop(context: CommandContext): void {
  const wanted = parseManyPop(context, 2);
  const timeoutMs = secondsArgument(context, 1);
  const popOf = (again: CommandContext, index: number): Pop => popOfKey(again, index, wanted);
  popOrWait(context, { firstKey: wanted.firstKey, keyCount: wanted.keyCount, timeoutMs, popOf });
}

function popOrWait(context: CommandContext, waiting: WaitingPop): void {
  const { firstKey, keyCount, popOf } = waiting;
  const database = writableKeysOf(context);
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    const entry = findSortedSet(context, database, index);
    if (entry !== 0) return replyPopped(context, database, entry, popOf(context, index));
  }
  context.server.blocking.block(context, new BlockedPop(context, waiting));
}

class BlockedPop implements Wait {
  readonly type = "zset";
  readonly timeoutMs: number;
  /** All pops take from each other. */
  readonly share = "";
  readonly #waiting: WaitingPop;
  /** From a key to the argument where it stands first. */
  readonly #indexes = new Map<string, number>();

  constructor({ request }: CommandContext, waiting: WaitingPop) {
    this.#waiting = waiting;
    this.timeoutMs = waiting.timeoutMs;
    for (let index = waiting.firstKey; index < waiting.firstKey + waiting.keyCount; index++) {
      const key = request.latin1(index);
      if (!this.#indexes.has(key)) this.#indexes.set(key, index);
    }
  }

  get keys(): Iterable<string> {
    return this.#indexes.keys();
  }

  attempt(context: CommandContext, key: string): boolean {
    const database = writableKeysOf(context);
    const index = this.#indexes.get(key)!;
    const entry = findEntry(context, database, index);
    if (entry === 0 || database.table.type(entry) !== valueType.sortedSet) return false;
    replyPopped(context, database, entry, this.#waiting.popOf(context, index));
    return true;
  }
}
