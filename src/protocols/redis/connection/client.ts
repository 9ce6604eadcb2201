/**
 * CLIENT ID | SETNAME | GETNAME | SETINFO | INFO | NO-EVICT | REPLY | GETREDIR | TRACKING | TRACKINGINFO | UNBLOCK.
 *
 * LIST and KILL are in client-list.ts and client-kill.ts. Tracking (client-side caching) is refused: nothing would tell
 * the client of changes.
 */
import { plainTextArgument, setClientName } from "./client-name.ts";
import { clientLine } from "./client-line.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";

export function clientId({ reply, session }: CommandContext): void {
  reply.integer(session.id);
}

export function clientSetName(context: CommandContext): void {
  setClientName(context, 2);
  context.reply.ok();
}

export function clientGetName({ reply, session }: CommandContext): void {
  if (session.name === "") reply.null();
  else reply.bulkLatin1(session.name);
}

/** CLIENT SETINFO LIB-NAME | LIB-VER text */
export function clientSetInfo(context: CommandContext): void {
  const { request, reply, session } = context;
  if (request.is(2, "LIB-NAME")) session.libraryName = plainTextArgument(context, 3, "lib-name");
  else if (request.is(2, "LIB-VER")) session.libraryVersion = plainTextArgument(context, 3, "lib-ver");
  else throw new RedisError(`ERR Unrecognized option '${request.utf8(2)}'`);
  reply.ok();
}

export function clientInfo({ reply, session }: CommandContext): void {
  reply.verbatim("txt", `${clientLine(session)}\n`);
}

function onOffArgument({ request }: CommandContext): boolean {
  if (request.is(2, "ON")) return true;
  if (request.is(2, "OFF")) return false;
  throw syntaxError();
}

export function clientNoEvict(context: CommandContext): void {
  context.session.isNoEvict = onOffArgument(context);
  context.reply.ok();
}

/** Keys have no time of last use that anything goes by. */
export function clientNoTouch(context: CommandContext): void {
  onOffArgument(context);
  context.reply.ok();
}

/** CLIENT REPLY ON | OFF | SKIP: only ON is answered. */
export function clientReply({ request, reply, session }: CommandContext): void {
  if (request.is(2, "ON")) {
    session.replyMode = "on";
    reply.ok();
  } else if (request.is(2, "OFF")) session.replyMode = "off";
  else if (request.is(2, "SKIP")) {
    if (session.replyMode !== "off") session.replyMode = "skipNext";
  } else throw syntaxError();
}

export function clientGetRedir({ reply }: CommandContext): void {
  reply.integer(-1);
}

export function clientTracking(context: CommandContext): void {
  if (onOffArgument(context))
    throw new RedisError("ERR client-side caching (CLIENT TRACKING) is not supported");
  context.reply.ok();
}

export function clientTrackingInfo({ reply }: CommandContext): void {
  reply.map(3);
  reply.bulkLatin1("flags");
  reply.set(1);
  reply.bulkLatin1("off");
  reply.bulkLatin1("redirect");
  reply.integer(-1);
  reply.bulkLatin1("prefixes");
  reply.array(0);
}

/** CLIENT UNBLOCK id [TIMEOUT | ERROR] */
export function clientUnblock({ request, reply, server }: CommandContext): void {
  let isError = false;
  if (request.argumentCount === 4) {
    isError = request.is(3, "ERROR");
    if (!isError && !request.is(3, "TIMEOUT"))
      throw new RedisError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  } else if (request.argumentCount > 4) throw syntaxError();
  const id = request.integer(2);
  if (Number.isNaN(id)) throw new RedisError(errorTexts.notInteger);
  const blocked = server.sessions.get(id)?.blocked;
  if (blocked === undefined || blocked === null) return reply.integer(0);
  reply.integer(1);
  blocked.unblockSoon(isError ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : null);
}

export function clientHelp(context: CommandContext): void {
  writeHelp(context, [
    "GETNAME",
    "    Return the name of the current connection.",
    "GETREDIR",
    "    Return -1: this server does not track keys for clients.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are ADDR, LADDR, TYPE, USER, SKIPME and ID.",
    "LIST [TYPE (NORMAL|PUBSUB)] [ID <id> ...]",
    "    Return information about client connections.",
    "NO-EVICT (ON|OFF)",
    "    Accepted: clients are not evicted.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are LIB-NAME and LIB-VER.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
  ]);
}
