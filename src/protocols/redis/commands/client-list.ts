/** CLIENT LIST [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID id [id ...]] */
import { clientLine } from "../client-line.ts";
import type { CommandContext } from "../context.ts";
import { RedisError, syntaxError } from "../errors.ts";
import type { RedisSession } from "../session.ts";

export type ClientType = "normal" | "pubsub" | "none";

/** The type in argument `index`. There are no replicas here, so some types have no member. */
export function clientTypeArgument({ request }: CommandContext, index: number): ClientType {
  const name = request.utf8(index).toLowerCase();
  if (name === "normal" || name === "pubsub") return name;
  if (name === "master" || name === "slave" || name === "replica") return "none";
  throw new RedisError(`ERR Unknown client type '${request.utf8(index)}'`);
}

export function isOfType(session: RedisSession, type: ClientType): boolean {
  return type !== "none" && session.isSubscriber === (type === "pubsub");
}

export function clientList(context: CommandContext): void {
  const { request, reply, server } = context;
  let sessions = [...server.sessions.values()];
  if (request.argumentCount === 4 && request.is(2, "TYPE")) {
    const type = clientTypeArgument(context, 3);
    sessions = sessions.filter((session) => isOfType(session, type));
  } else if (request.argumentCount > 3 && request.is(2, "ID")) {
    sessions = [];
    for (let at = 3; at < request.argumentCount; at++) {
      const id = request.integer(at);
      if (!(id > 0)) throw new RedisError("ERR Invalid client ID");
      const session = server.sessions.get(id);
      if (session !== undefined) sessions.push(session);
    }
  } else if (request.argumentCount !== 2) throw syntaxError();
  reply.verbatim("txt", sessions.map((session) => `${clientLine(session)}\n`).join(""));
}
