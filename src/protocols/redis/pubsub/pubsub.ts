/** PUBSUB CHANNELS [pattern] | NUMSUB [channel ...] | NUMPAT | SHARDCHANNELS [pattern] | SHARDNUMSUB [channel ...] */
import { compileGlob, type Glob } from "../../../base/patterns/glob.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { LiveChannels } from "../../../broker/live/channels.ts";
import type { CommandContext } from "../core/context.ts";
import { subcommandSyntaxError, writeHelp } from "../core/help.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { seesChannel } from "../keys/visible-streams.ts";
import { writeNames } from "../core/write-names.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const pubsubCommand: CommandRow = {
  name: "pubsub",
  arity: -2,
  flags: [],
  since: "2.8.0",
  complexity: "Depends on the subcommand",
  summary: "Looks at channels and their subscribers.",
  subcommands: [
    {
      name: "channels",
      arity: -2,
      flags: ["pubsub", "loading", "stale"],
      since: "2.8.0",
      complexity: "O(N), N active channels",
      summary: "Lists the channels that have subscribers.",
      run: pubsubChannels,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "6.2.0",
      complexity: "O(1)",
      summary: "Lists the PUBSUB subcommands.",
      run: pubsubHelp,
    },
    {
      name: "numpat",
      arity: 2,
      flags: ["pubsub", "loading", "stale"],
      since: "2.8.0",
      complexity: "O(1)",
      summary: "Counts the patterns that are listened to.",
      run: pubsubNumPat,
    },
    {
      name: "numsub",
      arity: -2,
      flags: ["pubsub", "loading", "stale"],
      since: "2.8.0",
      complexity: "O(N), N channels asked for",
      summary: "Counts the subscribers of channels.",
      run: pubsubNumSub,
    },
    {
      name: "shardchannels",
      arity: -2,
      flags: ["pubsub", "loading", "stale"],
      since: "7.0.0",
      complexity: "O(N), N active shard channels",
      summary: "Lists the shard channels that have subscribers.",
      run: pubsubShardChannels,
    },
    {
      name: "shardnumsub",
      arity: -2,
      flags: ["pubsub", "loading", "stale"],
      since: "7.0.0",
      complexity: "O(N), N channels asked for",
      summary: "Counts the subscribers of shard channels.",
      run: pubsubShardNumSub,
    },
  ],
};

const unitsOfChannel = 0.4;

function pubsubChannels(context: CommandContext): void {
  writeChannels(context, context.server.live);
}

function pubsubShardChannels(context: CommandContext): void {
  writeChannels(context, context.server.shardLive);
}

function pubsubNumSub(context: CommandContext): void {
  writeCounts(context, context.server.live);
}

function pubsubShardNumSub(context: CommandContext): void {
  writeCounts(context, context.server.shardLive);
}

function pubsubNumPat({ reply, server }: CommandContext): void {
  reply.integer(server.live.patterns.size);
}

function writeChannels(context: CommandContext, live: LiveChannels): void {
  const { request } = context;
  if (request.argumentCount > 3) throw subcommandSyntaxError(context);
  const glob = request.argumentCount === 3 ? compileGlob(request.copy(2)) : null;
  answerInSlices(context, () => writeMatching(context, live, glob));
}

function* writeMatching(context: CommandContext, live: LiveChannels, glob: Glob | null): Job<void> {
  const names: string[] = [];
  const piece = new Piece();
  for (const name of live.channels.keys()) {
    const isMeant = glob === null || glob.matches(Buffer.from(name, "latin1"), 0, name.length);
    if (isMeant && seesChannel(context, name)) names.push(name);
    const due = piece.add(unitsOfChannel);
    if (due > 0) yield due;
  }
  yield* writeNames(context, names);
}

function writeCounts(context: CommandContext, live: LiveChannels): void {
  answerInSlices(context, () => countEach(context, live));
}

function* countEach({ request, reply }: CommandContext, live: LiveChannels): Job<void> {
  const piece = new Piece();
  reply.array((request.argumentCount - 2) * 2);
  for (let at = 2; at < request.argumentCount; at++) {
    reply.bulk(request.buffer, request.starts[at], request.ends[at]);
    reply.integer(live.channels.get(request.latin1(at))?.subscribers.size ?? 0);
    const due = piece.add(unitsOfChannel);
    if (due > 0) yield due;
  }
}

function pubsubHelp(context: CommandContext): void {
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
