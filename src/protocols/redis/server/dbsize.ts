/** DBSIZE: strings and streams; keys whose time has come count until they are removed, as in redis. */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { answerInSlices } from "../core/sliced-reply.ts";

export function dbsize(context: CommandContext): void {
  const { reply, server, session, vhost } = context;
  if (session.authorization!.allowsAll(vhost.name))
    return reply.integer(keysOf(context).size + server.streamCounts.all(vhost));
  answerInSlices(context, () => writeSize(context));
}

function* writeSize(context: CommandContext): Job<void> {
  const streams = yield* context.server.streamCounts.visible(context);
  context.reply.integer(keysOf(context).size + streams);
}
