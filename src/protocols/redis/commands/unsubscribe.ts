/** UNSUBSCRIBE [channel ...]      PUNSUBSCRIBE [pattern ...]      SUNSUBSCRIBE [channel ...]: without names, all. */
import type { CommandContext } from "../context.ts";
import type { Subscriptions } from "../pubsub.ts";

export function unsubscribe(context: CommandContext): void {
  unsubscribeEach(context, "unsubscribe", {
    names: (subscriptions) => subscriptions.channels,
    remove: (subscriptions, name) => subscriptions.unsubscribe(name),
    count: (subscriptions) => subscriptions.plainCount,
  });
}

export function punsubscribe(context: CommandContext): void {
  unsubscribeEach(context, "punsubscribe", {
    names: (subscriptions) => subscriptions.patterns,
    remove: (subscriptions, name) => subscriptions.unsubscribePattern(name),
    count: (subscriptions) => subscriptions.plainCount,
  });
}

export function sunsubscribe(context: CommandContext): void {
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

function unsubscribeEach({ request, reply, session }: CommandContext, word: string, kind: Kind): void {
  const { subscriptions } = session;
  const names: string[] = [];
  for (let at = 1; at < request.argumentCount; at++) names.push(request.latin1(at));
  if (request.argumentCount === 1 && subscriptions !== null) names.push(...kind.names(subscriptions));
  for (const name of names) {
    if (subscriptions !== null) kind.remove(subscriptions, name);
    reply.push(3);
    reply.bulkLatin1(word);
    reply.bulkLatin1(name);
    reply.integer(subscriptions === null ? 0 : kind.count(subscriptions));
  }
  if (names.length > 0) return;
  reply.push(3);
  reply.bulkLatin1(word);
  reply.null();
  reply.integer(subscriptions === null ? 0 : kind.count(subscriptions));
}
