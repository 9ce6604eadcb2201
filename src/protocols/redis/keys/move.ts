/** MOVE key database */
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { databaseArgument } from "../core/database-argument.ts";
import { RedisError } from "../core/errors.ts";
import { findEntry, keyExists, writableKeysOf } from "./key-access.ts";
import { assertNoStream, takeEntry } from "./key-copy.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const moveCommand: CommandRow = {
  name: "move",
  arity: 3,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Moves a key to another database.",
  run: move,
};

function move(context: CommandContext): void {
  const { reply, server } = context;
  const number = databaseArgument(context, 2);
  if (number === context.database) throw new RedisError("ERR source and destination objects are the same");
  const source = writableKeysOf(context);
  const entry = findEntry(context, source, 1);
  if (entry === 0) {
    assertNoStream(context, 1);
    return reply.integer(0);
  }
  assertMayPut(context, context.request.latin1(1), number);
  const target = server.keyspace.databases[number]!;
  const selected = context.database;
  context.database = number;
  try {
    if (keyExists(context, target, 1)) return reply.integer(0);
    takeEntry(context, "rename", source, entry, target, 1);
  } finally {
    context.database = selected;
  }
  reply.integer(1);
}
