/**
 * TROIKA.GROUP key group [MAXDELIVER n [BACKOFF ms] [FACTOR f] [MAX ms] [JITTER part] [DEADLETTER key] | OFF]
 * TROIKA.NACK key group id [id ...] [DELAY ms] [REASON text]
 *
 * What becomes of entries that a consumer of a group gives up, and giving up. Not here: the delays and the dead letters (broker/groups/).
 */
import { limits } from "../../../base/limits.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import { giveUp, retryPolicyOf } from "../../../broker/groups/give-up.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { retryOwnerName } from "../../../broker/groups/retry-owner.ts";
import { retryDefaults, type RetryPolicy } from "../../../broker/retry/retry-policy.ts";
import { setRetryPolicy } from "../../../broker/groups/stream-groups.ts";
import { assertFree, assertNameFits } from "../../../broker/queue/name-rules.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { deadQueueName } from "../../../broker/retry/dead-queue.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import { type CommandRow, oneKey } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { answerForIds } from "../stream/groups/few-ids.ts";
import { findStream } from "../stream/find.ts";
import { findGroup, noGroup } from "../stream/groups/groups.ts";
import { isId, strictIdArgument } from "../stream/id.ts";
import { assertValueBehind, noOption, wholeArgument } from "./own-arguments.ts";

export const retryCommands: readonly CommandRow[] = [
  {
    name: "troika.group",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "RW", "update")],
    since: "7.2.0",
    complexity: "O(1)",
    summary: "Says what becomes of entries that consumers of a group give up, or shows it.",
    acts: ["settle"],
    run: group,
  },
  {
    name: "troika.nack",
    arity: -4,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "update")],
    since: "7.2.0",
    complexity: "O(1) for each id",
    summary: "Gives up entries of a consumer group: they are delivered again, or become dead letters.",
    acts: ["settle"],
    run: nack,
  },
];

const id = new EntryId();
const unitsOfGivenUp = 4;

function group(context: CommandContext): void {
  const { request, reply, broker } = context;
  const queue = findStream(context, 1);
  const cursor = findGroup(context, queue, 2);
  if (queue === undefined || cursor === undefined) throw noGroup(context);
  if (request.argumentCount === 3) return writePolicy(context, queue, cursor);
  broker.storage.assertWritable();
  const isOff = request.argumentCount === 4 && request.is(3, "OFF");
  setRetryPolicy(queue, request.latin1(2), isOff ? null : policyArguments(context, queue));
  reply.ok();
}

function writePolicy({ reply }: CommandContext, queue: Queue, cursor: GroupCursor): void {
  const policy = retryPolicyOf(queue, cursor);
  if (policy === null) return reply.map(0);
  reply.map(6);
  reply.bulkLatin1("maxdeliver");
  reply.integer(policy.limit);
  reply.bulkLatin1("backoff");
  reply.integer(policy.backoffMs);
  reply.bulkLatin1("factor");
  reply.bulkText(String(policy.factor));
  reply.bulkLatin1("max");
  reply.integer(policy.maxMs);
  reply.bulkLatin1("jitter");
  reply.bulkText(String(policy.jitter));
  reply.bulkLatin1("deadletter");
  reply.bulkLatin1(policy.deadLetter ?? deadQueueName(queue.name));
}

/** The stream of dead letters is settled now, since the user who names the policy is the one whose rights count. */
function policyArguments(context: CommandContext, queue: Queue): RetryPolicy {
  const { request } = context;
  let limit = 0;
  let { backoffMs, factor, maxMs, jitter } = { ...retryDefaults } as Omit<RetryPolicy, "limit">;
  let deadLetter = deadQueueName(queue.name);
  for (let at = 3; at < request.argumentCount; at += 2) {
    assertValueBehind(context, at, "group");
    if (request.is(at, "MAXDELIVER")) limit = wholeArgument(context, at + 1, 1);
    else if (request.is(at, "BACKOFF")) backoffMs = wholeArgument(context, at + 1, 0);
    else if (request.is(at, "MAX")) maxMs = wholeArgument(context, at + 1, 0);
    else if (request.is(at, "FACTOR")) factor = partArgument(context, at + 1, 1, 1000);
    else if (request.is(at, "JITTER")) jitter = partArgument(context, at + 1, 0, 1);
    else if (request.is(at, "DEADLETTER")) deadLetter = request.latin1(at + 1);
    else throw noOption(context, at, "group");
  }
  if (limit === 0) throw new RedisError("ERR MAXDELIVER is missing: give the number of deliveries");
  assertMayBeDeadLetter(context, queue, deadLetter);
  return { limit, backoffMs, factor, maxMs, jitter, deadLetter };
}

function partArgument({ request }: CommandContext, index: number, least: number, most: number): number {
  const value = request.float(index);
  if (!(value >= least && value <= most))
    throw new RedisError(`ERR ${request.utf8(index - 1)} is a number from ${least} to ${most}`);
  return value;
}

/** Entries go there without their consumers' asking: whoever says so must be allowed to write there. */
function assertMayBeDeadLetter(context: CommandContext, queue: Queue, key: string): void {
  const { server, database, vhost } = context;
  if (key === queue.name) throw new RedisError("ERR a stream cannot have its own dead letters");
  assertMayPut(context, key, database);
  if (server.keyspace.typeOf(database, key) !== undefined) throw new RedisError(errorTexts.wrongType);
  assertNameFits("stream", key);
  if (vhost.findQueue(key) === undefined) assertFree(vhost, key, "implicit stream");
}

interface Given {
  /** Behind the last id. */
  readonly idsEnd: number;
  readonly delayMs: number;
  readonly reason: string;
}

function nack(context: CommandContext): void {
  const { reply, broker } = context;
  const queue = findStream(context, 1);
  const cursor = findGroup(context, queue, 2);
  const given = nackArguments(context);
  if (queue === undefined || cursor === undefined) return reply.integer(0);
  broker.storage.assertWritable();
  const ids = given.idsEnd - 3;
  // Each may become a dead letter, which is as large as the entry.
  const units = ids === 1 ? unitsOfGivenUp : Infinity;
  answerForIds(context, { ids, units }, () => nackEach(context, queue, cursor, given));
}

/** All ids are checked before one is given up. */
function nackArguments(context: CommandContext): Given {
  const { request } = context;
  let at = 3;
  while (at < request.argumentCount && isId(request, at)) at++;
  const idsEnd = at;
  if (idsEnd === 3) throw new RedisError(errorTexts.invalidStreamId);
  let delayMs = -1;
  let reason = "rejected";
  for (; at < request.argumentCount; at += 2) {
    assertValueBehind(context, at, "nack");
    if (request.is(at, "DELAY")) delayMs = wholeArgument(context, at + 1, 0);
    else if (request.is(at, "REASON")) {
      // It is written once for each id.
      if (request.ends[at + 1]! - request.starts[at + 1]! > limits.nackReasonBytesMax)
        throw new RedisError(`ERR REASON is longer than ${limits.nackReasonBytesMax} bytes`);
      reason = request.latin1(at + 1);
    } else throw noOption(context, at, "nack");
  }
  return { idsEnd, delayMs, reason };
}

function* nackEach(
  context: CommandContext,
  queue: Queue,
  cursor: GroupCursor,
  { idsEnd, delayMs, reason }: Given,
): Job<void> {
  const { request, reply } = context;
  const piece = new Piece();
  const name = request.latin1(2);
  let count = 0;
  for (let at = 3; at < idsEnd; at++) {
    const offset = cursor.pending.findId(strictIdArgument(request, at, id));
    // What waits for its next delivery already is not given up again.
    if (offset >= 0 && cursor.ownerById(cursor.pending.ownerOf(offset))?.name !== retryOwnerName) {
      if (giveUp(queue, cursor, offset, { reason, delayMs }) !== "gone") count++;
    }
    const due = piece.add(unitsOfGivenUp);
    if (due === 0) continue;
    yield due;
    if (queue.isDeleted || queue.groups.get(name) !== cursor) break;
  }
  reply.integer(count);
}
