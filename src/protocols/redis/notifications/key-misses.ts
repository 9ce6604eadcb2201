/**
 * The event `keymiss`: a command has read a key that is not there.
 *
 * Commands that change a key do not read it, in redis's words, even where they look at it first; some of them read others.
 * Invariant: a command tells of a missed argument once, however often its handler looks.
 */
import type { CommandContext } from "../core/context.ts";
import { keyClass } from "../core/event-classes.ts";
import { keyEvents } from "./key-events.ts";

/** Commands with the flag `write` whose lookups by key-access.ts are reads. */
const readers: ReadonlySet<string> = new Set([
  "bitop",
  "copy",
  "georadius",
  "georadiusbymember",
  "geosearchstore",
  "getdel",
  "getex",
  "getset",
  "pfmerge",
  "sdiffstore",
  "set",
  "sinterstore",
  "sort",
  "sunionstore",
  "xack",
  "xautoclaim",
  "xclaim",
  "xreadgroup",
  "zdiffstore",
  "zinterstore",
  "zrangestore",
  "zunionstore",
]);

/** The key in argument `index` was looked up in that database, and is not there. */
export function keyMissed(context: CommandContext, index: number, database: number): void {
  const { server, spec } = context;
  if ((server.notices.classes & keyClass.miss) === 0) return;
  if (spec.write && !readers.has(spec.name)) return;
  if (server.notices.isFirstMiss(context, index)) context.notify(keyEvents.missed, index, database);
}
