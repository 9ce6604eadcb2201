/**
 * BLPOP and BRPOP key [key ...] timeout, BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]: from the first list that has
 * something, or from the first that gets something.
 *
 * Who waits is served in order (blocking/blocked-clients.ts), at the end of the command that gave a key a list. In MULTI and in scripts
 * nothing waits: the answer is that of a timeout. Invariant: an element is taken in the turn in which it is written to the reply.
 */
import { valueType } from "../../../keyspace/value-type.ts";
import { secondsArgument } from "../blocking/timeout-argument.ts";
import type { Wait } from "../blocking/wait.ts";
import { countedKeys, keyRange, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { findEntry, writableKeysOf } from "../keys/key-access.ts";
import { findList } from "./list-key.ts";
import { parseManyPop, popOfKey } from "./lmpop.ts";
import { type Pop, replyPopped } from "./pop.ts";

export const blpopCommands: readonly CommandRow[] = [
  {
    name: "blmpop",
    arity: -5,
    flags: ["write", "blocking", "movablekeys"],
    keys: [countedKeys(2, "RW", "access", "delete")],
    since: "7.0.0",
    complexity: "O(N+M), N keys, M elements returned",
    summary: "Takes elements from the first list that has any, waiting for one.",
    run: blmpop,
  },
  {
    name: "blpop",
    arity: -3,
    flags: ["write", "noscript", "blocking"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "2.0.0",
    complexity: "O(N), N keys",
    summary: "Takes the first element of the first list that has one, waiting for it.",
    run: (context) => blpop(context, true),
  },
  {
    name: "brpop",
    arity: -3,
    flags: ["write", "noscript", "blocking"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "2.0.0",
    complexity: "O(N), N keys",
    summary: "Takes the last element of the first list that has one, waiting for it.",
    run: (context) => blpop(context, false),
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

function blpop(context: CommandContext, isLeft: boolean): void {
  const { argumentCount } = context.request;
  const timeoutMs = secondsArgument(context, argumentCount - 1);
  const popOf = (again: CommandContext, index: number): Pop => ({
    index,
    isLeft,
    count: 1,
    writeHead: (reply) => {
      reply.array(2);
      reply.bulk(again.request.view(index));
    },
    writeNone: (reply) => reply.nullArray(),
  });
  popOrWait(context, { firstKey: 1, keyCount: argumentCount - 2, timeoutMs, popOf });
}

function blmpop(context: CommandContext): void {
  const wanted = parseManyPop(context, 2);
  const timeoutMs = secondsArgument(context, 1);
  const popOf = (again: CommandContext, index: number): Pop => popOfKey(again, index, wanted);
  popOrWait(context, { firstKey: wanted.firstKey, keyCount: wanted.keyCount, timeoutMs, popOf });
}

function popOrWait(context: CommandContext, waiting: WaitingPop): void {
  const { firstKey, keyCount, popOf } = waiting;
  const database = writableKeysOf(context);
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    const entry = findList(context, database, index);
    if (entry !== 0) return replyPopped(context, database, entry, popOf(context, index));
  }
  context.server.blocking.block(context, new BlockedPop(context, waiting));
}

class BlockedPop implements Wait {
  readonly type = "list";
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
    if (entry === 0 || database.table.type(entry) !== valueType.list) return false;
    replyPopped(context, database, entry, this.#waiting.popOf(context, index));
    return true;
  }
}
