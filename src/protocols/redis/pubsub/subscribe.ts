/** SUBSCRIBE channel [channel ...]      PSUBSCRIBE pattern [pattern ...]      SSUBSCRIBE channel [channel ...] */
import { limits } from "../../../base/limits.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const subscribeCommands: readonly CommandRow[] = [
  {
    name: "psubscribe",
    arity: -2,
    flags: ["pubsub", "noscript", "loading", "stale"],
    since: "2.0.0",
    complexity: "O(N), N patterns of this client",
    summary: "Listens to the channels that match patterns.",
    channels: { act: "subscribe", isPattern: true },
    forSubscribers: "confirmed",
    run: psubscribe,
  },
  {
    name: "ssubscribe",
    arity: -2,
    flags: ["pubsub", "noscript", "loading", "stale"],
    keys: [keyRange(1, -1, 1, "not_key")],
    since: "7.0.0",
    complexity: "O(N), N shard channels",
    summary: "Listens to shard channels.",
    channels: { act: "subscribe", isShard: true },
    forSubscribers: "confirmed",
    run: ssubscribe,
  },
  {
    name: "subscribe",
    arity: -2,
    flags: ["pubsub", "noscript", "loading", "stale"],
    since: "2.0.0",
    complexity: "O(N), N channels",
    summary: "Listens to channels.",
    channels: { act: "subscribe" },
    forSubscribers: "confirmed",
    run: subscribe,
  },
];

const unitsOfName = 1;

function subscribe(context: CommandContext): void {
  assertChannels(context.request);
  subscribeEach(context, "subscribe", (subscriptions, name) => {
    subscriptions.subscribe(name);
    return subscriptions.plainCount;
  });
}

function psubscribe(context: CommandContext): void {
  const { request, client } = context;
  const names = Array.from({ length: request.argumentCount - 1 }, (_, i) => request.latin1(i + 1));
  client.ensureSubscriptions().assertRoomForPatterns(names);
  subscribeEach(context, "psubscribe", (subscriptions, name) => {
    subscriptions.subscribePattern(name);
    return subscriptions.plainCount;
  });
}

function ssubscribe(context: CommandContext): void {
  assertChannels(context.request);
  subscribeEach(context, "ssubscribe", (subscriptions, name) => {
    subscriptions.subscribeShard(name);
    return subscriptions.shardChannels.size;
  });
}

/** Before any of them is listened to, since an error is the whole command's. */
function assertChannels(request: RequestArguments): void {
  for (let at = 1; at < request.argumentCount; at++) assertChannelName(request, at);
}

/** Each channel may be held against many patterns. Throws for names that are longer than redis's users have. */
export function assertChannelName(request: RequestArguments, at: number): void {
  if (request.size(at) <= limits.channelBytesMax) return;
  throw new RedisError(
    `ERR channel name of ${request.size(at)} bytes; the most is ${limits.channelBytesMax}`,
  );
}

/** Confirms each name with how many the connection has then. What its channels have missed follows. */
export function subscribeEach(
  context: CommandContext,
  kind: string,
  add: (subscriptions: Subscriptions, name: string) => number,
  end = context.request.argumentCount,
): void {
  const { client } = context;
  const subscriptions = client.ensureSubscriptions();
  if (end > directItemsMax) {
    return answerInSlices(context, () => subscribeMany(context, kind, subscriptions, add, end), {
      holdsPushes: true,
    });
  }
  for (let at = 1; at < end; at++) confirm(context, kind, at, add(subscriptions, context.request.latin1(at)));
  subscriptions.past?.begin();
}

function* subscribeMany(
  context: CommandContext,
  kind: string,
  subscriptions: Subscriptions,
  add: (subscriptions: Subscriptions, name: string) => number,
  end: number,
): Job<void> {
  const { request, client, caller } = context;
  const { authorization } = caller;
  const rulesAtFirst = authorization?.version;
  const piece = new Piece();
  for (let at = 1; at < end; at++) {
    confirm(context, kind, at, add(subscriptions, request.latin1(at)));
    const due = piece.add(unitsOfName);
    if (due > 0) yield due;
  }
  subscriptions.past?.begin();
  // Rules that changed meanwhile were held against the names before that only.
  if (authorization?.version !== rulesAtFirst) client.rulesChanged();
}

function confirm({ request, reply }: CommandContext, kind: string, at: number, count: number): void {
  reply.push(3);
  reply.bulkLatin1(kind);
  reply.bulk(request.buffer, request.starts[at], request.ends[at]);
  reply.integer(count);
}
