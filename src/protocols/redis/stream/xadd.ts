/**
 * XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]
 *
 * Onto a stream or an AMQP queue: appends. Onto a name that is an exchange and no queue: publishes through it, with the
 * value of field `routing_key` as the key. A copy of an entry that is there is answered with that one's id (`dedup-*`). The reply waits for the disk if `redisStreamsDurability` says so.
 */
import { traceEntry } from "./groups/traced.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { assertMayUseKey } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { appendEntry } from "./entry-append.ts";
import { entryMessage } from "./entry-message.ts";
import { queueFull, RedisError, wrongArity } from "../core/errors.ts";
import { publishThroughExchange } from "./exchange-publish.ts";
import { openIdArgument, writeStreamId } from "./id.ts";
import { streamChanged } from "./stream-watch.ts";
import { seal } from "./stream.ts";
import { createStream, lastStream, lookUp } from "./find.ts";
import { parseTrimOption, settleTrimOptions, trim, trimLater, TrimOptions } from "./trim.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const xaddCommand: CommandRow = {
  name: "xadd",
  arity: -5,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "update")],
  tips: ["nondeterministic_output"],
  since: "5.0.0",
  complexity: "O(1), O(N) when it evicts N entries",
  summary: "Appends an entry to a stream, and may trim it.",
  run: xadd,
};

const options = new TrimOptions();
/** The id that is asked for, then the one that the entry got. */
const wanted = new EntryId();
/** `ms-*`: the sequence is for the stream to choose. */
let isSequenceOpen = false;

function xadd(context: CommandContext): void {
  const { request, reply, broker } = context;
  options.reset();
  const idAt = parse(context);
  const isAutomatic = isStar(request, idAt);
  const first = idAt + 1;
  const count = request.argumentCount;
  if ((count - first) % 2 !== 0 || count - first < 2) throw wrongArity("xadd");
  if (!isAutomatic && !isSequenceOpen && wanted.isZero)
    throw new RedisError("ERR The ID specified in XADD must be greater than 0-0");

  const known = lastStream(context, 1) ?? lookUp(context, request.latin1(1));
  if (known === undefined) {
    const key = request.latin1(1);
    const exchange = context.database === 0 ? context.vhost.exchanges.get(key) : undefined;
    if (exchange !== undefined && key !== "") return publishThroughExchange(context, exchange, first);
    if (options.noMakeStream) return reply.null();
  }
  broker.storage.assertWritable();
  if (options.strategy !== "none")
    assertMayUseKey(context, "removeEntries", known?.name ?? request.latin1(1));
  const queue = known ?? createStream(context, request.latin1(1));
  if (isCopy(queue, request, first)) return answerCopy(context, queue);
  assertRoom(queue, request, first);
  const { log } = queue;
  // Of a log in the last millisecond of all, the open frame may hold the last id.
  if (log.lastId.hasMsMax) assertNotExhausted(queue);
  if (isAutomatic) appendEntry(log, request, first, count, null);
  else {
    settleId(queue);
    appendEntry(log, request, first, count, wanted);
    // Nothing may join a frame with an id of its own; from here on `lastId` knows it.
    seal(queue);
  }
  log.store.readReservedId(wanted);
  if (queue.intake !== null) queue.intake.appended(log.store.reservedOffset);
  if (queue.trace !== null) traceEntry(context, queue, first, count);
  context.notify(keyEvents.xadd, 1);
  if (options.strategy !== "none") {
    if (options.references !== "keep") trimLater(context, queue, options);
    else if (trim(context, queue, options) > 0) context.notify(keyEvents.xtrim, 1);
  }
  context.keyChanged(1);
  streamChanged(context, queue);
  takenBy(context, queue);
  writeStreamId(reply.out, wanted);
}

/** Whether the stream has accepted the same entry within its policy's window (docs/deduplication.md). */
function isCopy({ intake }: Queue, request: RequestArguments, first: number): boolean {
  if (intake === null || intake.copies === null) return false;
  return intake.dropsCopy(entryMessage.show(request, first, request.argumentCount, ""));
}

/** Answers a copy with the id of the entry that is there; null where that is gone, or still to come. */
function answerCopy(context: CommandContext, queue: Queue): void {
  const { reply, broker } = context;
  const { log } = queue;
  const offset = queue.intake!.copies!.offsetOfFirst;
  log.store.seal();
  broker.lookedAtQueue(queue);
  takenBy(context, queue);
  const isThere = offset >= log.firstOffset && offset < log.nextOffset && !log.removed.has(offset);
  if (isThere) writeStreamId(reply.out, log.entryIdOf(offset));
  else reply.null();
}

/** The stream has the entry: the answer may have to wait for the disk. */
function takenBy({ broker, caller }: CommandContext, { log }: Queue): void {
  caller.publisherSeen();
  if (log.isDurable && broker.options.redisStreamsDurability === "fsync") caller.holdUntilDurable();
}

/** Throws where a bounded queue refuses the entry, which its dead-letter exchange may get (`x-overflow`). */
function assertRoom(queue: Queue, request: RequestArguments, first: number): void {
  if (queue.policy.overflow === "drop-head") return;
  const message = entryMessage.show(request, first, request.argumentCount, "");
  if (queue.vhost.broker.retention.hasRoom(queue, 1, message.bodyBytes)) return;
  queue.vhost.publication.refuse(queue, message);
  throw queueFull(queue.name);
}

/** Reads the options and returns where the id is. */
function parse(context: CommandContext): number {
  const { request } = context;
  let at = 2;
  while (at < request.argumentCount) {
    if (isStar(request, at)) break;
    const next = parseTrimOption(context, at, options);
    if (next > at) at = next;
    else if (request.is(at, "NOMKSTREAM")) {
      options.noMakeStream = true;
      at++;
    } else {
      isSequenceOpen = openIdArgument(request, at, wanted);
      break;
    }
  }
  settleTrimOptions(context, options);
  return at;
}

function isStar(request: RequestArguments, index: number): boolean {
  return request.size(index) === 1 && request.buffer[request.starts[index]!] === 0x2a;
}

function assertNotExhausted(queue: Queue): void {
  seal(queue);
  if (queue.log.lastId.isMax)
    throw new RedisError("ERR The stream has exhausted the last possible ID, unable to add more items");
}

/** Completes `ms-*` and refuses an id that is not above the last one. */
function settleId(queue: Queue): void {
  seal(queue);
  const { lastId } = queue.log;
  // It does not go on into the next millisecond, which was not asked for.
  if (isSequenceOpen && wanted.hasMsOf(lastId) && !lastId.hasSequenceMax) wanted.copyFrom(lastId).add(1);
  if (wanted.compare(lastId) <= 0) throw tooSmall();
}

function tooSmall(): RedisError {
  return new RedisError("ERR The ID specified in XADD is equal or smaller than the target stream top item");
}
