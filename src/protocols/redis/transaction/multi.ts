/** MULTI      DISCARD      WATCH key [key ...]      UNWATCH */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { Transaction } from "./queue.ts";
import { Watcher } from "./watches.ts";

export function multi({ reply, session }: CommandContext): void {
  if (session.transaction !== null) throw new RedisError("ERR MULTI calls can not be nested");
  session.transaction = new Transaction();
  reply.ok();
}

export function discard({ reply, session }: CommandContext): void {
  if (session.transaction === null) throw new RedisError("ERR DISCARD without MULTI");
  session.endTransaction();
  reply.ok();
}

export function watch({ request, reply, session, server, database }: CommandContext): void {
  if (session.transaction !== null) throw new RedisError("ERR WATCH inside MULTI is not allowed");
  // Once a watched key has changed, EXEC fails whatever else is watched.
  session.watcher ??= new Watcher();
  for (let at = 1; at < request.argumentCount; at++)
    server.watches.watch(session.watcher, database, request.latin1(at));
  reply.ok();
}

export function unwatch({ reply, session }: CommandContext): void {
  session.unwatch();
  reply.ok();
}
