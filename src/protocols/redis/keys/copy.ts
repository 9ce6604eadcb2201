/** COPY source destination [DB number] [REPLACE] */
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { databaseArgument, databaseNumber } from "../core/database-argument.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { writableKeysOf } from "./key-access.ts";
import { keyAt } from "./key-ref.ts";
import { copyEntry, copyStreamKey, type TargetKey } from "./key-transfer.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const copyCommand: CommandRow = {
  name: "copy",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RO", "access"), oneKey(2, "OW", "update")],
  since: "6.2.0",
  complexity: "O(N), N nested items, O(1) for a string",
  summary: "Copies a key's value to another key.",
  keyDatabases: (request, index, selected) => [index === 2 ? targetDatabase(request, selected) : selected],
  run: copy,
};

/** As the options say; one that is none is an error. */
function targetDatabase(request: RequestArguments, selected: number): number {
  let number = selected;
  for (let index = 3; index < request.argumentCount; index++)
    if (request.is(index, "DB")) number = databaseNumber(request, ++index) ?? number;
  return number;
}

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
  if (number !== 0 && server.cluster !== null)
    throw new RedisError("ERR Copying to another database is not allowed in cluster mode");
  const { buffer, starts, ends } = request;
  const hasSameName = buffer.compare(buffer, starts[1], ends[1], starts[2], ends[2]) === 0;
  if (hasSameName && number === context.database)
    throw new RedisError("ERR source and destination objects are the same");
  writableKeysOf(context);
  const from = keyAt(context, 1);
  if (!from.exists) return reply.integer(0);
  assertMayPut(context, request.latin1(2), number);
  const target = { context, database: server.keyspace.databases[number]!, index: 2 };
  if (!replaces && keyAt(context, 2, target.database).exists) return reply.integer(0);
  const { stream } = from;
  if (stream !== undefined) return answerInSlices(context, () => writeCopied(stream, target, replaces));
  copyEntry(from, target);
  context.notify(keyEvents.copyTo, 2, number);
  reply.integer(1);
}

function* writeCopied(stream: Queue, target: TargetKey, replaces: boolean): Job<void> {
  const isCopied = yield* copyStreamKey(stream, target, replaces);
  if (isCopied) target.context.notify(keyEvents.copyTo, 2, target.database.number);
  target.context.reply.integer(isCopied ? 1 : 0);
}
