/** MULTI      DISCARD      WATCH key [key ...]      UNWATCH */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { Transaction } from "./queue.ts";
import { Watcher } from "./watches.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const multiCommands: readonly CommandRow[] = [
  {
    name: "discard",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    since: "2.0.0",
    complexity: "O(N), N queued commands",
    summary: "Drops the transaction.",
    inMulti: "leaves",
    run: discard,
  },
  {
    name: "multi",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    since: "1.2.0",
    complexity: "O(1)",
    summary: "Opens a transaction.",
    inMulti: "runs",
    run: multi,
  },
  {
    name: "unwatch",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    since: "2.2.0",
    complexity: "O(1)",
    summary: "Forgets all watched keys.",
    run: unwatch,
  },
  {
    name: "watch",
    arity: -2,
    flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
    keys: [keyRange(1, -1, 1, "RO")],
    since: "2.2.0",
    complexity: "O(1) for each key",
    summary: "Lets the next transaction fail if one of these keys changes.",
    inMulti: "runs",
    run: watch,
  },
];

function multi({ reply, client }: CommandContext): void {
  if (client.transaction !== null) throw new RedisError("ERR MULTI calls can not be nested");
  client.transaction = new Transaction();
  reply.ok();
}

function discard({ reply, client }: CommandContext): void {
  if (client.transaction === null) throw new RedisError("ERR DISCARD without MULTI");
  client.endTransaction();
  reply.ok();
}

function watch({ request, reply, client, server, database }: CommandContext): void {
  if (client.transaction !== null) throw new RedisError("ERR WATCH inside MULTI is not allowed");
  // Once a watched key has changed, EXEC fails whatever else is watched.
  client.watcher ??= new Watcher();
  for (let at = 1; at < request.argumentCount; at++)
    server.watches.watch(client.watcher, database, request.latin1(at));
  reply.ok();
}

function unwatch({ reply, client }: CommandContext): void {
  client.unwatch();
  reply.ok();
}
