/** PING [message] */
import type { CommandContext } from "../core/context.ts";
import { wrongArity } from "../core/errors.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const pingCommand: CommandRow = {
  name: "ping",
  arity: -1,
  flags: ["fast"],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Answers, to show that the server lives.",
  forSubscribers: "allowed",
  run: ping,
};

const emptyBytes = Buffer.alloc(0);
const pongBytes = Buffer.from("pong");

function ping({ request, reply, clientOrNull }: CommandContext): void {
  const count = request.argumentCount;
  if (count > 2) throw wrongArity("ping");
  // A RESP2 subscriber must be able to tell the answer from a message: it gets a list.
  if (clientOrNull?.isSubscriber === true && reply.version === 2) {
    reply.array(2);
    reply.bulk(pongBytes);
    if (count === 1) reply.bulk(emptyBytes);
    else reply.bulk(request.buffer, request.starts[1], request.ends[1]);
  } else if (count === 1) reply.pong();
  else reply.bulk(request.buffer, request.starts[1], request.ends[1]);
}
