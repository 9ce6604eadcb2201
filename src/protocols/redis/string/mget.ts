/** MGET key [key ...]; what is no string is null. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { streamAt, findEntry, keysOf } from "../keys/key-access.ts";
import { lookedUp } from "../notifications/lookups.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directBytesMax, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const mgetCommand: CommandRow = {
  name: "mget",
  arity: -2,
  flags: ["readonly", "fast"],
  keys: [keyRange(1, -1, 1, "RO", "access")],
  tips: ["request_policy:multi_shard"],
  since: "1.0.0",
  complexity: "O(N), N keys",
  summary: "Reads several strings.",
  run: mget,
};

const unitsOfKey = 0.3;

function mget(context: CommandContext): void {
  const { reply } = context;
  const { argumentCount } = context.request;
  const database = keysOf(context);
  const { out } = reply;
  const before = out.length;
  let isLong = argumentCount > directItemsMax;
  if (!isLong) reply.array(argumentCount - 1);
  for (let index = 1; index < argumentCount && !isLong; index++) {
    isLong = out.length - before > directBytesMax;
    if (!isLong) writeValue(context, database, index);
  }
  if (!isLong) return;
  out.length = before;
  answerInSlices(context, (parts) => writeEach(context, parts, database));
}

function* writeEach(context: CommandContext, parts: PartedReply, database: Database): Job<void> {
  const { argumentCount } = context.request;
  const piece = new Piece();
  context.reply.array(argumentCount - 1);
  for (let index = 1; index < argumentCount; index++) {
    const before = parts.bytes;
    writeValue(context, database, index);
    const due = piece.add(unitsOfKey + unitsOfBytes(parts.bytes - before));
    if (due > 0) yield due;
  }
}

function writeValue(context: CommandContext, database: Database, index: number): void {
  const { reply } = context;
  const entry = findEntry(context, database, index);
  // FLUSHDB gives the database another table.
  const { table } = database;
  lookedUp(context, index, database.number, entry !== 0 || streamAt(context, index, database) !== undefined);
  if (entry === 0 || table.type(entry) !== valueType.string) return reply.null();
  table.locate(entry);
  reply.bulk(table.bytes, table.start, table.end);
}
