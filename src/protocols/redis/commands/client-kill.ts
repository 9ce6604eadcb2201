/** CLIENT KILL address      CLIENT KILL [ID id] [TYPE type] [USER user] [ADDR address] [LADDR address] [SKIPME yes|no] */
import { addressText } from "../client-line.ts";
import type { CommandContext } from "../context.ts";
import { RedisError, syntaxError } from "../errors.ts";
import type { RedisSession } from "../session.ts";
import { clientTypeArgument, isOfType } from "./client-list.ts";

type Filter = (session: RedisSession) => boolean;

export function clientKill(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount === 3) {
    const address = request.utf8(2);
    const found = [...server.sessions.values()].filter(
      (session) => addressText(session.connection.remote) === address,
    );
    if (found.length === 0) throw new RedisError("ERR No such client");
    reply.ok();
    for (const session of found) kill(context, session);
    return;
  }
  const { filters, skipsMe } = parse(context);
  let killed = 0;
  for (const session of server.sessions.values()) {
    if (skipsMe && session === context.session) continue;
    if (!filters.every((filter) => filter(session))) continue;
    killed++;
    if (session !== context.session) kill(context, session);
  }
  reply.integer(killed);
  if (!skipsMe && filters.every((filter) => filter(context.session))) kill(context, context.session);
}

function kill(context: CommandContext, session: RedisSession): void {
  if (session === context.session) session.end();
  else session.connection.destroy();
}

function parse(context: CommandContext): { filters: Filter[]; skipsMe: boolean } {
  const { request } = context;
  const filters: Filter[] = [];
  let skipsMe = true;
  for (let at = 2; at < request.argumentCount; at += 2) {
    if (at + 1 >= request.argumentCount) throw syntaxError();
    const value = request.utf8(at + 1);
    if (request.is(at, "ID")) {
      const id = request.integer(at + 1);
      if (!(id > 0)) throw new RedisError("ERR client-id should be greater than 0");
      filters.push((session) => session.id === id);
    } else if (request.is(at, "TYPE")) {
      const type = clientTypeArgument(context, at + 1);
      filters.push((session) => isOfType(session, type));
    } else if (request.is(at, "ADDR")) {
      filters.push((session) => addressText(session.connection.remote) === value);
    } else if (request.is(at, "LADDR")) {
      filters.push((session) => addressText(session.connection.local) === value);
    } else if (request.is(at, "USER")) {
      if (context.broker.access.users.get(value) === undefined)
        throw new RedisError(`ERR No such user '${value}'`);
      filters.push((session) => session.user === value);
    } else if (request.is(at, "SKIPME") && (request.is(at + 1, "YES") || request.is(at + 1, "NO"))) {
      skipsMe = request.is(at + 1, "YES");
    } else throw syntaxError();
  }
  return { filters, skipsMe };
}
