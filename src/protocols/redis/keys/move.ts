/** MOVE key database */
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { databaseArgument, databaseNumber } from "../core/database-argument.ts";
import { RedisError } from "../core/errors.ts";
import { keyAt, writableKeyAt } from "./key-ref.ts";
import { moveKey } from "./key-transfer.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const moveCommand: CommandRow = {
  name: "move",
  arity: 3,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Moves a key to another database.",
  acts: ["read", "delete"],
  keyDatabases: (request, _index, selected) => [selected, databaseNumber(request, 2) ?? selected],
  run: move,
};

function move(context: CommandContext): void {
  const { reply, server } = context;
  if (server.cluster !== null) throw new RedisError("ERR MOVE is not allowed in cluster mode");
  const number = databaseArgument(context, 2);
  if (number === context.database) throw new RedisError("ERR source and destination objects are the same");
  const from = writableKeyAt(context, 1);
  if (!from.exists) return reply.integer(0);
  assertMayPut(context, context.request.latin1(1), number);
  const target = { context, database: server.keyspace.databases[number]!, index: 1 };
  if (keyAt(context, 1, target.database).exists) return reply.integer(0);
  moveKey(from, target);
  context.notify(keyEvents.moveFrom, 1);
  context.notify(keyEvents.moveTo, 1, number);
  reply.integer(1);
}
