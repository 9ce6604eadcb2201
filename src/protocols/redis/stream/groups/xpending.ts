/** XPENDING key group [[IDLE min-idle-ms] start end count [consumer]] */
import { type Job, Piece } from "../../../../base/turn-work.ts";
import { noOwner } from "../../../../broker/cursor/pending-table.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../../core/errors.ts";
import { findGroup, noGroup, sortedByName } from "./groups.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { answerInSlices } from "../../core/sliced-reply.ts";
import { rangeEndArgument, rangeStartArgument, writeStreamId } from "../id.ts";
import { findStream } from "../find.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";

export const xpendingCommand: CommandRow = {
  name: "xpending",
  arity: -3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "5.0.0",
  complexity: "O(N), N entries returned or consumers counted",
  summary: "Shows what is delivered but not acknowledged.",
  run: xpending,
};

const unitsOfPending = 0.4;
const start = new EntryId();
const end = new EntryId();
const id = new EntryId();

function xpending(context: CommandContext): void {
  const { request, reply } = context;
  const argumentCount = request.argumentCount;
  if (argumentCount !== 3 && (argumentCount < 6 || argumentCount > 9)) throw syntaxError();
  if (argumentCount === 3) {
    const cursor = existingGroup(context);
    return answerInSlices(context, () => summary(context, cursor));
  }
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
  const wanted = {
    from: new EntryId().copyFrom(start),
    to: new EntryId().copyFrom(end),
    idle,
    count,
    ownerId,
  };
  answerInSlices(context, (parts) => writePending(context, parts, cursor, wanted));
}

function existingGroup(context: CommandContext): GroupCursor {
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) throw noGroup(context);
  return cursor;
}

function integerArgument(context: CommandContext, index: number): number {
  const value = context.request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

function* summary(context: CommandContext, cursor: GroupCursor): Job<void> {
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
  const holders = (yield* sortedByName(cursor.owners)).filter(([, owner]) => owner.pending > 0);
  reply.array(holders.length);
  for (const [name, owner] of holders) {
    reply.array(2);
    reply.bulkLatin1(name);
    reply.bulkInteger(owner.pending);
  }
}

interface WantedPending {
  readonly from: EntryId;
  readonly to: EntryId;
  readonly idle: number;
  readonly count: number;
  /** 0 for all consumers. */
  readonly ownerId: number;
}

function* writePending(
  context: CommandContext,
  parts: PartedReply,
  cursor: GroupCursor,
  { from, to, idle, count, ownerId }: WantedPending,
): Job<void> {
  const { reply, broker } = context;
  const { pending } = cursor;
  const piece = new Piece();
  const now = broker.clock.now();
  const list = parts.openList();
  let shown = 0;
  let offset = count === 0 || pending.size === 0 ? -1 : pending.atOrAboveId(from);
  for (; offset >= 0 && shown < count; offset = pending.next(offset + 1)) {
    const due = piece.add(unitsOfPending);
    if (due > 0) {
      yield due;
      // It may have been acknowledged meanwhile.
      if (pending.ownerOf(offset) === noOwner) continue;
    }
    pending.readId(offset, id);
    if (to.compare(id) < 0) break;
    const isOld = idle === 0 || now - pending.timeOf(offset) >= idle;
    if (!isOld || (ownerId !== 0 && pending.ownerOf(offset) !== ownerId)) continue;
    reply.array(4);
    writeStreamId(reply.out, id);
    reply.bulkLatin1(cursor.ownerById(pending.ownerOf(offset))?.name ?? "");
    reply.integer(Math.max(now - pending.timeOf(offset), 0));
    reply.integer(pending.countOf(offset));
    shown++;
  }
  parts.closeList(list, shown);
}
