/**
 * XCLAIM key group consumer min-idle-ms id [id ...]
 *   [IDLE ms] [TIME unix-ms] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]
 */
import { traceGiven } from "./traced.ts";
import { type Job, Piece } from "../../../../base/turn-work.ts";
import { LogReader } from "../../../../storage/logs.ts";
import { diesInstead } from "../../../../broker/groups/give-up.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { claim, writeClaimed } from "./claims.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import { assertConsumerName, findGroup, noGroup, seenConsumer, setGroupPosition } from "./groups.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { answerInSlices, unitsOfBytes } from "../../core/sliced-reply.ts";
import { isId, strictIdArgument } from "../id.ts";
import { findEntry, workBytes } from "../stream.ts";
import { findStream } from "../find.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";

export const xclaimCommand: CommandRow = {
  name: "xclaim",
  arity: -6,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "update")],
  tips: ["nondeterministic_output"],
  since: "5.0.0",
  complexity: "O(log(N)), N pending entries of the group",
  summary: "Takes over pending entries, named by id.",
  readsFirst: true,
  // What it shows has been read already, by who had it pending.
  acts: ["settle"],
  run: xclaim,
};

const id = new EntryId();
const firstIdAt = 5;
const unitsOfClaim = 2;

interface ClaimOptions {
  minIdle: number;
  /** Behind the last id. */
  idsEnd: number;
  time: number;
  /** -1 without RETRYCOUNT. */
  retryCount: number;
  isForced: boolean;
  isIdOnly: boolean;
}

function xclaim(context: CommandContext): void {
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) throw noGroup(context);
  assertConsumerName(context, 3);
  const options = parse(context, cursor);
  if (options.idsEnd - firstIdAt === 1) claimAtOnce(context, cursor, options);
  else answerInSlices(context, (parts) => claimEach(context, parts, cursor, options));
}

/** One id is one piece of work: it needs no job. */
function claimAtOnce(context: CommandContext, cursor: GroupCursor, options: ClaimOptions): void {
  const { request, reply, broker } = context;
  const before = reply.out.length;
  strictIdArgument(request, firstIdAt, id);
  reply.array(1);
  if (!claimOne(context, cursor, new LogReader(cursor.log), options)) {
    reply.out.length = before;
    reply.array(0);
  }
  const bytes = workBytes(reply.out.length) - workBytes(before);
  broker.work.spend(Math.ceil(unitsOfClaim + unitsOfBytes(bytes)));
}

function* claimEach(
  context: CommandContext,
  parts: PartedReply,
  cursor: GroupCursor,
  options: ClaimOptions,
): Job<void> {
  const { request } = context;
  const reader = new LogReader(cursor.log);
  const piece = new Piece();
  const list = parts.openList();
  let claimed = 0;
  for (let at = firstIdAt; at < options.idsEnd; at++) {
    const before = workBytes(parts.bytes);
    strictIdArgument(request, at, id);
    if (claimOne(context, cursor, reader, options)) claimed++;
    const due = piece.add(unitsOfClaim + unitsOfBytes(workBytes(parts.bytes) - before));
    if (due > 0) yield due;
  }
  parts.closeList(list, claimed);
}

/** Writes and claims the entry in `id`; false where it is not to be had. Where it throws nothing has been done. */
function claimOne(
  context: CommandContext,
  cursor: GroupCursor,
  reader: LogReader,
  options: ClaimOptions,
): boolean {
  const { pending } = cursor;
  const now = context.broker.clock.now();
  let offset = pending.findId(id);
  if (!findEntry(reader, id)) {
    // What is gone from the stream is not to be claimed, and leaves the pending entries.
    if (offset >= 0) cursor.settle(offset);
    return false;
  }
  if (offset < 0 && !options.isForced) return false;
  if (offset >= 0 && options.minIdle > 0 && now - pending.timeOf(offset) < options.minIdle) return false;
  // With JUSTID it is not delivered. RETRYCOUNT says how often it was, this time included.
  const deliveries = options.retryCount < 0 ? undefined : options.retryCount;
  if (offset >= 0 && !options.isIdOnly && diesInstead(cursor, offset, deliveries)) return false;
  writeClaimed(context.reply, reader, options.isIdOnly, id);
  const owner = seenConsumer(context, cursor, context.request.latin1(3), 1);
  let count = offset < 0 ? 1 : pending.countOf(offset);
  if (options.retryCount >= 0) count = options.retryCount;
  else if (!options.isIdOnly) count++;
  if (offset < 0) {
    offset = reader.offset;
    owner.activeAt = now;
    cursor.assign(offset, owner.id, count, options.time, id);
  } else claim(cursor, offset, owner, { count, time: options.time, now });
  if (!options.isIdOnly) traceGiven(context, cursor, offset, owner.name);
  return true;
}

function parse(context: CommandContext, cursor: GroupCursor): ClaimOptions {
  const { request } = context;
  const now = context.broker.clock.now();
  const minIdle = integerArgument(context, 4, "Invalid min-idle-time argument for XCLAIM");
  let at = firstIdAt;
  while (at < request.argumentCount && isId(request, at)) at++;
  const options: ClaimOptions = {
    minIdle: Math.max(minIdle, 0),
    idsEnd: at,
    time: now,
    retryCount: -1,
    isForced: false,
    isIdOnly: false,
  };
  let hasLastId = false;
  for (; at < request.argumentCount; at++) {
    const hasValue = at + 1 < request.argumentCount;
    if (request.is(at, "FORCE")) options.isForced = true;
    else if (request.is(at, "JUSTID")) options.isIdOnly = true;
    else if (hasValue && request.is(at, "IDLE"))
      options.time = now - integerArgument(context, ++at, "Invalid IDLE option argument for XCLAIM");
    else if (hasValue && request.is(at, "TIME"))
      options.time = integerArgument(context, ++at, "Invalid TIME option argument for XCLAIM");
    else if (hasValue && request.is(at, "RETRYCOUNT"))
      options.retryCount = integerArgument(context, ++at, "Invalid RETRYCOUNT option argument for XCLAIM");
    else if (hasValue && request.is(at, "LASTID")) {
      strictIdArgument(request, ++at, id);
      hasLastId = true;
    } else throw new RedisError(`ERR Unrecognized XCLAIM option '${request.utf8(at)}'`);
  }
  // A clock that differs from ours is no reason to refuse; a time that cannot be is now.
  if (options.time < 0 || options.time > now) options.time = now;
  if (hasLastId && id.compare(cursor.lastId) > 0) {
    setGroupPosition(cursor, id, cursor.entriesRead);
  }
  return options;
}

function integerArgument(context: CommandContext, index: number, text: string): number {
  const value = context.request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(`ERR ${text}`);
  return value;
}
