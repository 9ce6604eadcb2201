/** XPENDING key group [[IDLE min-idle-ms] start end count [consumer]] */
import type { SharedCursor } from "../../../broker/shared-cursor.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../context.ts";
import { errorTexts, RedisError, syntaxError } from "../errors.ts";
import { findGroup, noGroup, sortedByName } from "../groups.ts";
import { rangeEndArgument, rangeStartArgument, writeStreamId } from "../stream-id.ts";
import { findStream } from "../streams.ts";

const start = new EntryId();
const end = new EntryId();
const id = new EntryId();

export function xpending(context: CommandContext): void {
  const { request, reply } = context;
  const argumentCount = request.argumentCount;
  if (argumentCount !== 3 && (argumentCount < 6 || argumentCount > 9)) throw syntaxError();
  if (argumentCount === 3) return summary(context, existingGroup(context));
  let at = 3;
  let idle = 0;
  if (request.is(3, "IDLE")) {
    idle = integerArgument(context, 4);
    if (argumentCount < 8) throw syntaxError();
    at = 5;
  }
  const count = Math.max(integerArgument(context, at + 2), 0);
  rangeStartArgument(request, at, start);
  rangeEndArgument(request, at + 1, end);
  const cursor = existingGroup(context);
  let ownerId = 0;
  if (at + 3 < argumentCount) {
    const owner = cursor.owners.get(request.latin1(at + 3));
    if (owner === undefined) return reply.array(0);
    ownerId = owner.id;
  }
  writePending(context, cursor, { idle, count, ownerId });
}

function existingGroup(context: CommandContext): SharedCursor {
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) throw noGroup(context);
  return cursor;
}

function integerArgument(context: CommandContext, index: number): number {
  const value = context.request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

function summary(context: CommandContext, cursor: SharedCursor): void {
  const { reply } = context;
  const { pending } = cursor;
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  const lowest = pending.next(0);
  const { highest } = pending;
  writeStreamId(reply.out, pending.readId(lowest, id));
  writeStreamId(reply.out, pending.readId(highest, id));
  const holders = sortedByName(cursor.owners).filter(([, owner]) => owner.pending > 0);
  reply.array(holders.length);
  for (const [name, owner] of holders) {
    reply.array(2);
    reply.bulkLatin1(name);
    reply.bulkInteger(owner.pending);
  }
}

function writePending(
  context: CommandContext,
  cursor: SharedCursor,
  { idle, count, ownerId }: { idle: number; count: number; ownerId: number },
): void {
  const { reply, broker } = context;
  const { pending } = cursor;
  const now = broker.clock.now();
  const offsets: number[] = [];
  const from = count === 0 ? -1 : pending.atOrAboveId(start);
  if (from >= 0) {
    pending.visit(from, Infinity, (offset) => {
      if (end.compare(pending.readId(offset, id)) < 0) return false;
      const isOld = idle === 0 || now - pending.timeOf(offset) >= idle;
      if (isOld && (ownerId === 0 || pending.ownerOf(offset) === ownerId)) offsets.push(offset);
      return offsets.length < count;
    });
  }
  reply.array(offsets.length);
  for (const offset of offsets) {
    reply.array(4);
    writeStreamId(reply.out, pending.readId(offset, id));
    reply.bulkLatin1(cursor.ownerById(pending.ownerOf(offset))?.name ?? "");
    reply.integer(Math.max(now - pending.timeOf(offset), 0));
    reply.integer(pending.countOf(offset));
  }
}
