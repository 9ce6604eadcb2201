/**
 * Commands that take from the first of their keys that has something, and wait while none has: BLPOP, BZPOPMIN and their kin.
 *
 * Not here: what is taken and how it is replied, which is the type's. Who waits is served in order (blocked-clients.ts), at the end of
 * the command that gave a key a value of the type. In MULTI and in scripts nothing waits: the answer is that of a timeout. Invariant: an
 * element is taken in the turn in which it is written to the reply, or its slices begin.
 */
import type { Database } from "../../../keyspace/database.ts";
import { typeNameOf } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { findEntry, findTyped, writableKeysOf } from "../keys/key-access.ts";
import type { Wait } from "./wait.ts";

export interface WaitingPop {
  /** Of the values that it takes from (keyspace/value-type.ts). */
  readonly type: number;
  /** The arguments of its keys. */
  readonly firstKey: number;
  readonly keyCount: number;
  readonly timeoutMs: number;
  /** Takes from the value of `entry`, whose key is argument `index`, and replies with what it took. */
  readonly take: (context: CommandContext, database: Database, entry: number, index: number) => void;
}

/** Throws WRONGTYPE, UNAVAILABLE. */
export function takeOrWait(context: CommandContext, waiting: WaitingPop): void {
  const { type, firstKey, keyCount } = waiting;
  const database = writableKeysOf(context);
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    const entry = findTyped(context, database, index, type);
    if (entry !== 0) return waiting.take(context, database, entry, index);
  }
  context.server.blocking.block(context, new BlockedPop(context, waiting));
}

class BlockedPop implements Wait {
  readonly type: string;
  readonly timeoutMs: number;
  /** All pops take from each other. */
  readonly share = "";
  readonly #waiting: WaitingPop;
  /** From a key to the argument where it stands first. */
  readonly #indexes = new Map<string, number>();

  constructor({ request }: CommandContext, waiting: WaitingPop) {
    this.#waiting = waiting;
    this.type = typeNameOf(waiting.type);
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
    if (entry === 0 || database.table.type(entry) !== this.#waiting.type) return false;
    this.#waiting.take(context, database, entry, index);
    return true;
  }
}
