/** SMOVE source destination member: both sets change at once. */
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { assertReplaceable, writableKeysOf } from "../keys/key-access.ts";
import { findSet, hasMember, openSet } from "./set-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const smoveCommand: CommandRow = {
  name: "smove",
  arity: 4,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "RW", "insert")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Moves a member to another set.",
  run: smove,
};

function smove(context: CommandContext): void {
  const { request, reply, broker } = context;
  const { buffer, starts, ends } = request;
  const database = writableKeysOf(context);
  const source = findSet(context, database, 1);
  if (source === 0) return reply.integer(0);
  const destination = findSet(context, database, 2);
  const isThere = hasMember(context, database, source, 3);
  if (!isThere || source === destination) return reply.integer(isThere ? 1 : 0);
  // It takes room, though redis does not count it among such.
  broker.storage.assertWritable();
  if (destination === 0) {
    assertMayPut(context, request.latin1(2), context.database);
    assertReplaceable(context, 2);
  }
  const member = [buffer, starts[3]!, ends[3]!] as const;
  database.set.open(source);
  try {
    database.set.remove(...member);
  } finally {
    database.set.close();
  }
  context.notifyTaken(keyEvents.srem, 1, database.set.isGone);
  openSet(context, database, 2, destination);
  let isNew = false;
  try {
    isNew = database.set.add(...member);
  } finally {
    database.set.close();
  }
  if (isNew) context.notify(keyEvents.sadd, 2);
  reply.integer(1);
}
