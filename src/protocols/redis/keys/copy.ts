/** COPY source destination [DB number] [REPLACE] */
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { databaseArgument } from "../core/database-argument.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { findEntry, keyExists, writableKeysOf } from "./key-access.ts";
import { assertNoStream, takeEntry } from "./key-copy.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const copyCommand: CommandRow = {
  name: "copy",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RO", "access"), oneKey(2, "OW", "update")],
  since: "6.2.0",
  complexity: "O(N), N nested items, O(1) for a string",
  summary: "Copies a key's value to another key.",
  run: copy,
};

function copy(context: CommandContext): void {
  const { request, reply, server } = context;
  let replaces = false;
  let number = context.database;
  for (let index = 3; index < request.argumentCount; index++) {
    if (request.is(index, "REPLACE")) replaces = true;
    else if (request.is(index, "DB") && index + 1 < request.argumentCount)
      number = databaseArgument(context, ++index);
    else throw syntaxError();
  }
  const { buffer, starts, ends } = request;
  const hasSameName = buffer.compare(buffer, starts[1], ends[1], starts[2], ends[2]) === 0;
  if (hasSameName && number === context.database)
    throw new RedisError("ERR source and destination objects are the same");
  const source = writableKeysOf(context);
  const entry = findEntry(context, source, 1);
  if (entry === 0) {
    assertNoStream(context, 1);
    return reply.integer(0);
  }
  assertMayPut(context, request.latin1(2), number);
  const selected = context.database;
  const target = server.keyspace.databases[number]!;
  context.database = number;
  try {
    if (!replaces && keyExists(context, target, 2)) return reply.integer(0);
    takeEntry(context, "copy", source, entry, target, 2);
  } finally {
    context.database = selected;
  }
  reply.integer(1);
}
