/**
 * TROIKA.SUBSCRIBE channel [channel ...] FROM <id|unix-ms|$> [WITHID]
 * TROIKA.CATCHUP channel [channel ...] FROM <id|unix-ms|$>
 * TROIKA.HISTORY channel [FROM <id|unix-ms>] [COUNT count]
 *
 * Channels with a history (CONFIG `troika-pubsub-history`). TROIKA.SUBSCRIBE is SUBSCRIBE that begins in the past. TROIKA.CATCHUP says
 * where the next SUBSCRIBE of this connection to these channels begins, for libraries that let nobody but themselves subscribe.
 */
import { limits } from "../../../base/limits.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import { type ChannelHistory, partsOf } from "../../../broker/live/history/channel-history.ts";
import { type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, unitsOfBytes } from "../core/sliced-reply.ts";
import { assertFrom, channelsEnd, offsetArgument } from "../pubsub/past-arguments.ts";
import { assertChannelName, subscribeEach } from "../pubsub/subscribe.ts";
import { writeStreamId } from "../stream/id.ts";
import { assertValueBehind, noOption, wholeArgument } from "./own-arguments.ts";

export const pastCommands: readonly CommandRow[] = [
  {
    name: "troika.subscribe",
    arity: -4,
    flags: ["pubsub", "noscript", "loading", "stale"],
    since: "7.2.0",
    complexity: "O(N+M), N channels, M messages in their history",
    summary: "Listens to channels, from a message or time in their history on.",
    channels: { act: "subscribe", end: channelsEnd },
    forSubscribers: "confirmed",
    run: subscribeFrom,
  },
  {
    name: "troika.catchup",
    arity: -4,
    flags: ["pubsub", "noscript", "loading", "stale", "fast"],
    since: "7.2.0",
    complexity: "O(N), N channels",
    summary: "Says where in their history the next SUBSCRIBE to channels begins.",
    channels: { act: "subscribe", end: channelsEnd },
    forSubscribers: "allowed",
    run: catchUp,
  },
  {
    name: "troika.history",
    arity: -2,
    flags: ["pubsub", "loading", "stale"],
    since: "7.2.0",
    complexity: "O(N), N messages in the history",
    summary: "Shows the messages that a channel has kept, with their ids.",
    channels: { act: "subscribe", isOne: true },
    run: history,
  },
];

const unitsOfLook = 0.5;

function subscribeFrom(context: CommandContext): void {
  const { request, client } = context;
  const end = assertFrom(request);
  const hasIds = end === request.argumentCount - 3;
  if (hasIds && !request.is(end + 2, "WITHID")) throw noOption(context, end + 2, "subscribe");
  const subscriptions = client.ensureSubscriptions();
  const offsets = offsetsOfEach(context, end);
  // One that is listened to already goes on as it is.
  for (const channel of offsets.keys()) if (subscriptions.channels.has(channel)) offsets.delete(channel);
  subscriptions.askFor(offsets);
  if (hasIds) for (const channel of offsets.keys()) subscriptions.identify(channel);
  subscribeEach(
    context,
    "subscribe",
    (each, name) => {
      each.subscribe(name);
      return each.plainCount;
    },
    end,
  );
}

function catchUp(context: CommandContext): void {
  const { request, client, reply } = context;
  const end = assertFrom(request);
  if (end !== request.argumentCount - 2) throw noOption(context, end + 2, "catchUp");
  const subscriptions = client.ensureSubscriptions();
  subscriptions.askFor(offsetsOfEach(context, end));
  reply.ok();
}

/** From where each of the channels is wanted. Throws where one of them has no history. */
function offsetsOfEach(context: CommandContext, end: number): Map<string, number> {
  const { request } = context;
  if (end - 1 > limits.pastChannelsMax)
    throw new RedisError(`ERR ${end - 1} channels at once; the most is ${limits.pastChannelsMax}`);
  const histories: ChannelHistory[] = [];
  for (let at = 1; at < end; at++) histories.push(historyArgument(context, at));
  const offsets = new Map<string, number>();
  for (let at = 1; at < end; at++)
    offsets.set(request.latin1(at), offsetArgument(request, end + 1, histories[at - 1]!));
  return offsets;
}

function historyArgument({ request, server }: CommandContext, index: number): ChannelHistory {
  assertChannelName(request, index);
  const found = server.histories?.historyOf(request.latin1(index)) ?? null;
  if (found !== null) return found;
  throw new RedisError(
    `ERR channel '${request.utf8(index)}' keeps no history: set troika-pubsub-history to a rule for it (see docs/redis.md)`,
  );
}

function history(context: CommandContext): void {
  const { request } = context;
  const found = historyArgument(context, 1);
  let from = 0;
  let count = Infinity;
  for (let at = 2; at < request.argumentCount; at += 2) {
    assertValueBehind(context, at, "history");
    if (request.is(at, "FROM")) from = offsetArgument(request, at + 1, found);
    else if (request.is(at, "COUNT")) count = wholeArgument(context, at + 1, 0);
    else throw noOption(context, at, "history");
  }
  answerInSlices(context, (parts) => writeHistory(context, parts, found, from, count));
}

function* writeHistory(
  { request, reply }: CommandContext,
  parts: PartedReply,
  found: ChannelHistory,
  from: number,
  most: number,
): Job<void> {
  const end = found.seal();
  const reader = found.queue.reader(from);
  const channel = request.latin1(1);
  const list = parts.openList();
  const piece = new Piece();
  let count = 0;
  while (count < most && reader.next() && reader.offset < end) {
    const before = parts.bytes;
    if (reader.timestamp >= found.oldest) {
      const { channelStart, channelEnd, start, end: messageEnd } = partsOf(reader);
      if (reader.buffer.latin1Slice(channelStart, channelEnd) === channel) {
        count++;
        reply.array(2);
        writeStreamId(reply.out, reader.id);
        reply.bulk(reader.buffer, start, messageEnd);
      }
    }
    const due = piece.add(unitsOfLook + unitsOfBytes(parts.bytes - before));
    if (due > 0) yield due;
  }
  parts.closeList(list, count);
}
