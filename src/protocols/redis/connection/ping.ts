/** PING [message] */
import type { CommandContext } from "../core/context.ts";
import { wrongArity } from "../core/errors.ts";

const emptyBytes = Buffer.alloc(0);
const pongBytes = Buffer.from("pong");

export function ping({ request, reply, session }: CommandContext): void {
  const count = request.argumentCount;
  if (count > 2) throw wrongArity("ping");
  // A RESP2 subscriber must be able to tell the answer from a message: it gets a list.
  if (session.isSubscriber && reply.version === 2) {
    reply.array(2);
    reply.bulk(pongBytes);
    if (count === 1) reply.bulk(emptyBytes);
    else reply.bulk(request.buffer, request.starts[1], request.ends[1]);
  } else if (count === 1) reply.pong();
  else reply.bulk(request.buffer, request.starts[1], request.ends[1]);
}
