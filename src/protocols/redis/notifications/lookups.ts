/**
 * What a command finds where it looks a key up as a reader: INFO's keyspace_hits and keyspace_misses, and the event `keymiss`.
 *
 * Commands that change a key do not read it, in redis's words, even where they look at it first; some of them read others. Which
 * arguments a command reads is in its `CommandSpec` (`readsFrom`, `readsTo`). Invariant: an argument counts once for each command,
 * however often its handler looks, and in however many turns.
 */
import { keyClass } from "../core/event-classes.ts";
import type { CommandContext } from "../core/context.ts";
import { keyEvents } from "./key-events.ts";

/** The key in argument `index` was looked up in that database, and is there or not. */
export function lookedUp(context: CommandContext, index: number, database: number, isThere: boolean): void {
  const { readsFrom, readsTo } = context.spec;
  if (index >= readsFrom && index <= readsTo) hasRead(context, index, database, isThere);
}

/** The same where it depends on the request whether the argument is read. */
export function hasRead(context: CommandContext, index: number, database: number, isThere: boolean): void {
  if (context.isFirstLook(index)) hasReadAgain(context, index, database, isThere);
}

/** The same where redis looks once more, which counts once more. */
export function hasReadAgain(
  context: CommandContext,
  index: number,
  database: number,
  isThere: boolean,
): void {
  const { lookups, notices } = context.server;
  if (isThere) {
    lookups.hits++;
    return;
  }
  lookups.misses++;
  if ((notices.classes & keyClass.miss) !== 0 && context.spec.tellsMisses)
    context.notify(keyEvents.missed, index, database);
}

/** The same for a key of the selected database that is no argument. */
export function hasReadNamed({ server, database }: CommandContext, name: string, isThere: boolean): void {
  if (isThere) server.lookups.hits++;
  else {
    server.lookups.misses++;
    server.notices.tellNamed(keyEvents.missed, database, name);
  }
}
