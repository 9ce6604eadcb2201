/** SUBSCRIBE channel [channel ...]      PSUBSCRIBE pattern [pattern ...]      SSUBSCRIBE channel [channel ...] */
import type { CommandContext } from "../context.ts";
import type { Subscriptions } from "../pubsub.ts";

export function subscribe(context: CommandContext): void {
  subscribeEach(context, "subscribe", (subscriptions, name) => {
    subscriptions.subscribe(name);
    return subscriptions.plainCount;
  });
}

export function psubscribe(context: CommandContext): void {
  subscribeEach(context, "psubscribe", (subscriptions, name) => {
    subscriptions.subscribePattern(name);
    return subscriptions.plainCount;
  });
}

export function ssubscribe(context: CommandContext): void {
  subscribeEach(context, "ssubscribe", (subscriptions, name) => {
    subscriptions.subscribeShard(name);
    return subscriptions.shardChannels.size;
  });
}

/** Confirms each name with how many the connection has then. */
function subscribeEach(
  { request, reply, session }: CommandContext,
  kind: string,
  add: (subscriptions: Subscriptions, name: string) => number,
): void {
  const subscriptions = session.ensureSubscriptions();
  for (let at = 1; at < request.argumentCount; at++) {
    const count = add(subscriptions, request.latin1(at));
    reply.push(3);
    reply.bulkLatin1(kind);
    reply.bulk(request.buffer, request.starts[at], request.ends[at]);
    reply.integer(count);
  }
}
