/** DBSIZE: strings and streams; keys whose time has come count until they are removed, as in redis. */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const dbsizeCommand: CommandRow = {
  name: "dbsize",
  arity: 1,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "response_policy:agg_sum"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Counts the keys of this database.",
  run: dbsize,
};

function dbsize(context: CommandContext): void {
  const { reply, server, caller, vhost } = context;
  if (caller.authorization!.allowsAll(vhost.name))
    return reply.integer(keysOf(context).size + server.streamCounts.all(vhost));
  answerInSlices(context, () => writeSize(context));
}

function* writeSize(context: CommandContext): Job<void> {
  const streams = yield* context.server.streamCounts.visible(context);
  context.reply.integer(keysOf(context).size + streams);
}
