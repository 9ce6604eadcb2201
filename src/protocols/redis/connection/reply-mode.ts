/** Commands whose replies the client does not want, by CLIENT REPLY OFF or SKIP. */
import type { ClientConnection, ReplyMode } from "../core/client-connection.ts";
import type { CommandContext } from "../core/context.ts";
import { dispatch } from "../core/dispatch.ts";

export function dispatchWithoutReply(context: CommandContext, client: ClientConnection): void {
  const { output } = client.connection;
  const before = output.length;
  // A refused command leaves the spec as it was, which must not be that of a subscription.
  context.spec = context.server.firstSpec;
  dispatch(context, client);
  // CLIENT REPLY ON is answered, and confirmations of subscriptions are messages rather than replies.
  if (client.replyMode !== "on" && !isConfirmed(context)) output.length = before;
}

/** Confirmations of subscriptions are messages rather than replies. */
export function isConfirmed({ spec }: CommandContext): boolean {
  return spec.forSubscribers === "confirmed";
}

export function modeAfter(mode: ReplyMode): ReplyMode {
  if (mode === "skip") return "on";
  return mode === "skipNext" ? "skip" : mode;
}
