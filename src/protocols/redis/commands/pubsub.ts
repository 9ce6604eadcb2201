/** PUBSUB CHANNELS [pattern] | NUMSUB [channel ...] | NUMPAT | SHARDCHANNELS [pattern] | SHARDNUMSUB [channel ...] */
import { compileGlob } from "../../../base/glob.ts";
import type { LiveChannels } from "../../../broker/live-channels.ts";
import type { CommandContext } from "../context.ts";
import { subcommandSyntaxError, writeHelp } from "../help.ts";
import { seesChannel } from "../visible-streams.ts";

export function pubsubChannels(context: CommandContext): void {
  writeChannels(context, context.server.live);
}

export function pubsubShardChannels(context: CommandContext): void {
  writeChannels(context, context.server.shardLive);
}

export function pubsubNumSub(context: CommandContext): void {
  writeCounts(context, context.server.live);
}

export function pubsubShardNumSub(context: CommandContext): void {
  writeCounts(context, context.server.shardLive);
}

export function pubsubNumPat({ reply, server }: CommandContext): void {
  reply.integer(server.live.patterns.size);
}

function writeChannels(context: CommandContext, live: LiveChannels): void {
  const { request, reply } = context;
  if (request.argumentCount > 3) throw subcommandSyntaxError(context);
  let names = [...live.channels.keys()];
  if (request.argumentCount === 3) {
    const glob = compileGlob(request.copy(2));
    names = names.filter((name) => glob.matches(Buffer.from(name, "latin1"), 0, name.length));
  }
  names = names.filter((name) => seesChannel(context, name));
  reply.array(names.length);
  for (const name of names) reply.bulkLatin1(name);
}

function writeCounts({ request, reply }: CommandContext, live: LiveChannels): void {
  reply.array((request.argumentCount - 2) * 2);
  for (let at = 2; at < request.argumentCount; at++) {
    reply.bulk(request.buffer, request.starts[at], request.ends[at]);
    reply.integer(live.channels.get(request.latin1(at))?.subscribers.size ?? 0);
  }
}

export function pubsubHelp(context: CommandContext): void {
  writeHelp(context, [
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
  ]);
}
