/** UNSUBSCRIBE [channel ...]      PUNSUBSCRIBE [pattern ...]      SUNSUBSCRIBE [channel ...]: without names, all. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const unsubscribeCommands: readonly CommandRow[] = [
  {
    name: "punsubscribe",
    arity: -1,
    flags: ["pubsub", "noscript", "loading", "stale"],
    since: "2.0.0",
    complexity: "O(N+M), N patterns of this client, M of all",
    summary: "Stops listening to patterns.",
    forSubscribers: "confirmed",
    run: punsubscribe,
  },
  {
    name: "sunsubscribe",
    arity: -1,
    flags: ["pubsub", "noscript", "loading", "stale"],
    keys: [keyRange(1, -1, 1, "not_key")],
    since: "7.0.0",
    complexity: "O(N), N shard channels of this client",
    summary: "Stops listening to shard channels.",
    forSubscribers: "confirmed",
    run: sunsubscribe,
  },
  {
    name: "unsubscribe",
    arity: -1,
    flags: ["pubsub", "noscript", "loading", "stale"],
    since: "2.0.0",
    complexity: "O(N), N channels of this client",
    summary: "Stops listening to channels.",
    forSubscribers: "confirmed",
    run: unsubscribe,
  },
];

const unitsOfName = 1;

function unsubscribe(context: CommandContext): void {
  unsubscribeEach(context, "unsubscribe", {
    names: (subscriptions) => subscriptions.channels,
    remove: (subscriptions, name) => subscriptions.unsubscribe(name),
    count: (subscriptions) => subscriptions.plainCount,
  });
}

function punsubscribe(context: CommandContext): void {
  unsubscribeEach(context, "punsubscribe", {
    names: (subscriptions) => subscriptions.patterns,
    remove: (subscriptions, name) => subscriptions.unsubscribePattern(name),
    count: (subscriptions) => subscriptions.plainCount,
  });
}

function sunsubscribe(context: CommandContext): void {
  unsubscribeEach(context, "sunsubscribe", {
    names: (subscriptions) => subscriptions.shardChannels,
    remove: (subscriptions, name) => subscriptions.unsubscribeShard(name),
    count: (subscriptions) => subscriptions.shardChannels.size,
  });
}

interface Kind {
  names(subscriptions: Subscriptions): ReadonlySet<string>;
  remove(subscriptions: Subscriptions, name: string): void;
  count(subscriptions: Subscriptions): number;
}

function unsubscribeEach(context: CommandContext, word: string, kind: Kind): void {
  const { request, reply, client } = context;
  const { subscriptions } = client;
  let names: string[] = [];
  for (let at = 1; at < request.argumentCount; at++) names.push(request.latin1(at));
  if (request.argumentCount === 1 && subscriptions !== null) names = [...kind.names(subscriptions)];
  if (names.length === 0) {
    reply.push(3);
    reply.bulkLatin1(word);
    reply.null();
    reply.integer(subscriptions === null ? 0 : kind.count(subscriptions));
  } else if (names.length <= directItemsMax) {
    for (const name of names) unsubscribeOne(context, word, kind, name);
  } else answerInSlices(context, () => unsubscribeMany(context, word, kind, names), { holdsPushes: true });
}

function* unsubscribeMany(
  context: CommandContext,
  word: string,
  kind: Kind,
  names: readonly string[],
): Job<void> {
  const piece = new Piece();
  for (const name of names) {
    unsubscribeOne(context, word, kind, name);
    const due = piece.add(unitsOfName);
    if (due > 0) yield due;
  }
}

function unsubscribeOne({ reply, client }: CommandContext, word: string, kind: Kind, name: string): void {
  const { subscriptions } = client;
  if (subscriptions !== null) kind.remove(subscriptions, name);
  reply.push(3);
  reply.bulkLatin1(word);
  reply.bulkLatin1(name);
  reply.integer(subscriptions === null ? 0 : kind.count(subscriptions));
}
