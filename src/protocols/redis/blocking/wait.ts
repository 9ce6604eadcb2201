/**
 * What a blocking command waits for, as the command says it. `BlockedClients.block` takes it from there.
 *
 * A command that finds nothing makes a `Wait` and calls `block`. It stays registered with each of its keys, in order of arrival, until
 * `attempt` answers, its time is over, or its client goes. Not here: who is served when (blocked-clients.ts).
 */
import type { CommandContext } from "../core/context.ts";

/** What a key has to hold to wake a command: a type as TYPE names it. A key that gets a value of another type wakes nobody. */
export type WaitType = string;

export interface Wait {
  readonly type: WaitType;
  /** The same key may stand here more than once. */
  readonly keys: Iterable<string>;
  /** 0: for ever. */
  readonly timeoutMs: number;
  /**
   * Commands that take from each other what comes to a key (pops, readers of one group) name the same share: when the one that has
   * waited longest finds nothing, those behind it are not asked. Null: the command finds the same whoever was served before.
   */
  readonly share: string | null;
  /**
   * Tries again, for one key that may have got something: writes the reply and returns true, or writes nothing and returns false. What
   * it throws is the reply too. `context.request` is the command's. The key may be gone, or hold anything, by now.
   */
  attempt(context: CommandContext, key: string): boolean;
  /** The wait has begun. A command that also waits for a time calls `again` then, outside of commands: it is tried whoever is before it. */
  began?(context: CommandContext, again: (key: string) => void): void;
  /** The wait is over: the command was answered, or its client has gone. */
  ended?(): void;
}
