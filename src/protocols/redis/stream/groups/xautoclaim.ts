/** XAUTOCLAIM key group consumer min-idle-ms start [COUNT count] [JUSTID] */
import { traceGiven } from "./traced.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import { LogReader } from "../../../../storage/logs.ts";
import { noOwner } from "../../../../broker/cursor/pending-table.ts";
import { diesInstead } from "../../../../broker/groups/give-up.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { unitsOfDeadLetter } from "../../../../broker/groups/retries.ts";
import { claim, writeClaimed } from "./claims.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError, syntaxError } from "../../core/errors.ts";
import { assertConsumerName, findGroup, noGroup, seenConsumer } from "./groups.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { answerInSlices, unitsOfBytes } from "../../core/sliced-reply.ts";
import { rangeStartArgument, writeStreamId } from "../id.ts";
import { findEntry, workBytes } from "../stream.ts";
import { findStream, lookAhead } from "../find.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";

export const xautoclaimCommand: CommandRow = {
  name: "xautoclaim",
  arity: -6,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "delete")],
  tips: ["nondeterministic_output"],
  since: "6.2.0",
  complexity: "O(1) for a small COUNT",
  summary: "Takes over entries that others have left pending too long.",
  readsFirst: true,
  // What it shows has been read already, by who had it pending.
  acts: ["settle"],
  run: xautoclaim,
};

const start = new EntryId();
const id = new EntryId();
const unitsOfLook = 0.4;
const unitsOfClaim = 2;
const defaultCount = 100;
/** Redis looks at so many pending entries for each one it may return. */
const attemptsForEach = 10;
const countMax = Math.floor((2 ** 63 - 1) / 16);

function xautoclaim(context: CommandContext): void {
  const { request } = context;
  lookAhead(context, 1);
  const minIdle = request.integer(4);
  if (Number.isNaN(minIdle)) throw new RedisError("ERR Invalid min-idle-time argument for XAUTOCLAIM");
  rangeStartArgument(request, 5, start);
  let count = defaultCount;
  let isIdOnly = false;
  for (let at = 6; at < request.argumentCount; at++) {
    if (request.is(at, "COUNT") && at + 1 < request.argumentCount) {
      count = request.integer(++at);
      if (!(count >= 1 && count <= countMax)) throw new RedisError("ERR COUNT must be > 0");
    } else if (request.is(at, "JUSTID")) isIdOnly = true;
    else throw syntaxError();
  }
  assertConsumerName(context, 3);
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) throw noGroup(context);
  const wanted = { from: new EntryId().copyFrom(start), minIdle: Math.max(minIdle, 0), count, isIdOnly };
  answerInSlices(context, (parts) => claimFrom(context, parts, cursor, wanted));
}

interface Wanted {
  readonly from: EntryId;
  readonly minIdle: number;
  readonly count: number;
  readonly isIdOnly: boolean;
}

/** An entry that cannot be read ends the reply before it, unless it is the first: what was claimed must reach the consumer. */
function* claimFrom(
  context: CommandContext,
  parts: PartedReply,
  cursor: GroupCursor,
  wanted: Wanted,
): Job<void> {
  const { reply } = context;
  const { from, count } = wanted;
  const { pending } = cursor;
  const deleted: EntryId[] = [];
  const reader = new LogReader(cursor.log);
  const piece = new Piece();
  reply.array(3);
  const cursorList = parts.openList();
  const claimedList = parts.openList();
  let claimed = 0;
  let left = count;
  let attempts = count * attemptsForEach;
  let offset = pending.size === 0 ? -1 : pending.atOrAboveId(from);
  for (; offset >= 0 && left > 0 && attempts > 0; offset = pending.next(offset + 1), attempts--) {
    const due = piece.add(unitsOfLook);
    if (due > 0) {
      yield due;
      if (pending.ownerOf(offset) === noOwner) continue;
    }
    pending.readId(offset, id);
    const before = workBytes(parts.bytes);
    const entryAt = parts.out.length;
    let outcome: Outcome;
    try {
      outcome = claimOne(context, cursor, { offset, reader, wanted });
    } catch (error) {
      if (left === count) throw error;
      parts.out.length = entryAt;
      break;
    }
    if (outcome === "busy") continue;
    if (outcome === "dead") {
      const dueNow = piece.add(unitsOfDeadLetter);
      if (dueNow > 0) yield dueNow;
      continue;
    }
    left--;
    if (outcome === "deleted") {
      deleted.push(new EntryId().copyFrom(id));
      continue;
    }
    claimed++;
    const dueNow = piece.add(unitsOfClaim + unitsOfBytes(workBytes(parts.bytes) - before));
    if (dueNow > 0) yield dueNow;
  }
  parts.fill(cursorList, ({ out }) => {
    writeStreamId(out, offset < 0 ? id.set(0, 0) : pending.readId(offset, id));
  });
  parts.closeList(claimedList, claimed);
  reply.array(deleted.length);
  for (const each of deleted) {
    writeStreamId(reply.out, each);
    const due = piece.add(unitsOfLook);
    if (due > 0) yield due;
  }
}

type Outcome = "claimed" | "deleted" | "busy" | "dead";

/** What becomes of the pending entry in `id`. Where it throws nothing has. */
function claimOne(
  context: CommandContext,
  cursor: GroupCursor,
  { offset, reader, wanted }: { offset: number; reader: LogReader; wanted: Wanted },
): Outcome {
  const { pending } = cursor;
  const { request, reply, broker } = context;
  const { minIdle, isIdOnly } = wanted;
  const now = broker.clock.now();
  if (!findEntry(reader, id)) {
    cursor.settle(offset);
    return "deleted";
  }
  if (minIdle > 0 && now - pending.timeOf(offset) < minIdle) return "busy";
  // With JUSTID it is not delivered.
  if (!isIdOnly && diesInstead(cursor, offset)) return "dead";
  writeClaimed(reply, reader, isIdOnly, id);
  const owner = seenConsumer(context, cursor, request.latin1(3), 1);
  const count = pending.countOf(offset) + (isIdOnly ? 0 : 1);
  claim(cursor, offset, owner, { count, time: now, now });
  if (!isIdOnly) traceGiven(context, cursor, offset, owner.name);
  return "claimed";
}
