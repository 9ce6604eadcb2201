/**
 * CLIENT ID | SETNAME | GETNAME | SETINFO | INFO | NO-EVICT | REPLY | UNBLOCK.
 *
 * LIST and KILL are in client-list.ts and client-kill.ts, what is about client-side caches in ../tracking/client-tracking.ts.
 */
import { plainTextArgument, setClientName } from "./client-name.ts";
import { clientLine } from "./client-line.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { subcommandSyntaxError, writeHelp } from "../core/help.ts";
import type { CommandRow } from "../core/command-spec.ts";
import { clientKillCommand } from "./client-kill.ts";
import { clientListCommand } from "./client-list.ts";
import { clientPauseCommands } from "./client-pause-commands.ts";
import {
  clientCachingCommand,
  clientGetRedirCommand,
  clientTrackingCommands,
} from "../tracking/client-tracking.ts";

export const clientCommand: CommandRow = {
  name: "client",
  arity: -2,
  flags: [],
  categories: [],
  since: "2.4.0",
  complexity: "Depends on the subcommand",
  summary: "Inspects and steers connections.",
  subcommands: [
    clientCachingCommand,
    {
      name: "getname",
      arity: 2,
      flags: ["noscript", "loading", "stale"],
      since: "2.6.9",
      complexity: "O(1)",
      summary: "Tells the name of this connection.",
      run: clientGetName,
    },
    clientGetRedirCommand,
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the CLIENT subcommands.",
      run: clientHelp,
    },
    {
      name: "id",
      arity: 2,
      flags: ["noscript", "loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Tells the number of this connection.",
      run: clientId,
    },
    {
      name: "info",
      arity: 2,
      flags: ["noscript", "loading", "stale"],
      tips: ["nondeterministic_output"],
      since: "6.2.0",
      complexity: "O(1)",
      summary: "Describes this connection.",
      run: clientInfo,
    },
    clientKillCommand,
    clientListCommand,
    {
      name: "no-evict",
      arity: 3,
      flags: ["admin", "noscript", "loading", "stale"],
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Exempts this connection from eviction under memory pressure.",
      run: clientNoEvict,
    },
    {
      name: "no-touch",
      arity: 3,
      flags: ["noscript", "loading", "stale"],
      since: "7.2.0",
      complexity: "O(1)",
      summary: "Sets whether this connection's commands count as uses of their keys.",
      run: clientNoTouch,
    },
    ...clientPauseCommands,
    {
      name: "reply",
      arity: 3,
      flags: ["noscript", "loading", "stale"],
      since: "3.2.0",
      complexity: "O(1)",
      summary: "Turns replies to this connection on or off.",
      run: clientReply,
    },
    {
      name: "setinfo",
      arity: 4,
      flags: ["noscript", "loading", "stale"],
      since: "7.2.0",
      complexity: "O(1)",
      summary: "Tells the name and version of the client library.",
      run: clientSetInfo,
    },
    {
      name: "setname",
      arity: 3,
      flags: ["noscript", "loading", "stale"],
      since: "2.6.9",
      complexity: "O(1)",
      summary: "Names this connection.",
      run: clientSetName,
    },
    ...clientTrackingCommands,
    {
      name: "unblock",
      arity: -3,
      flags: ["admin", "noscript", "loading", "stale"],
      since: "5.0.0",
      complexity: "O(log(N)), N connections",
      summary: "Wakes a client that waits in a blocking command.",
      run: clientUnblock,
    },
  ],
};

function clientId({ reply, client }: CommandContext): void {
  reply.integer(client.id);
}

function clientSetName(context: CommandContext): void {
  setClientName(context, 2);
  context.reply.ok();
}

function clientGetName({ reply, client }: CommandContext): void {
  if (client.name === "") reply.null();
  else reply.bulkLatin1(client.name);
}

/** CLIENT SETINFO LIB-NAME | LIB-VER text */
function clientSetInfo(context: CommandContext): void {
  const { request, reply, client } = context;
  if (request.is(2, "LIB-NAME")) client.libraryName = plainTextArgument(context, 3, "lib-name");
  else if (request.is(2, "LIB-VER")) client.libraryVersion = plainTextArgument(context, 3, "lib-ver");
  else throw new RedisError(`ERR Unrecognized option '${request.utf8(2)}'`);
  reply.ok();
}

function clientInfo({ reply, client }: CommandContext): void {
  reply.verbatim("txt", `${clientLine(client)}\n`);
}

function onOffArgument({ request }: CommandContext): boolean {
  if (request.is(2, "ON")) return true;
  if (request.is(2, "OFF")) return false;
  throw syntaxError();
}

function clientNoEvict(context: CommandContext): void {
  context.client.isNoEvict = onOffArgument(context);
  context.reply.ok();
}

function clientNoTouch(context: CommandContext): void {
  context.usesFrom = onOffArgument(context) ? 2 : 1;
  context.reply.ok();
}

/** CLIENT REPLY ON | OFF | SKIP: only ON is answered. */
function clientReply({ request, reply, client }: CommandContext): void {
  if (request.is(2, "ON")) {
    client.replyMode = "on";
    reply.ok();
  } else if (request.is(2, "OFF")) client.replyMode = "off";
  else if (request.is(2, "SKIP")) {
    if (client.replyMode !== "off") client.replyMode = "skipNext";
  } else throw syntaxError();
}

/** CLIENT UNBLOCK id [TIMEOUT | ERROR] */
function clientUnblock(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount > 4) throw subcommandSyntaxError(context);
  let isError = false;
  if (request.argumentCount === 4) {
    isError = request.is(3, "ERROR");
    if (!isError && !request.is(3, "TIMEOUT"))
      throw new RedisError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const id = request.integer(2);
  if (Number.isNaN(id)) throw new RedisError(errorTexts.notInteger);
  const blocked = server.sessions.get(id)?.blocked;
  if (blocked === undefined || blocked === null || blocked.isPostponed === true) return reply.integer(0);
  reply.integer(1);
  blocked.unblock(isError ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : null);
}

function clientHelp(context: CommandContext): void {
  writeHelp(context, [
    "CACHING (YES|NO)",
    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
    "GETNAME",
    "    Return the name of the current connection.",
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are ADDR, LADDR, TYPE, USER, SKIPME, ID and MAXAGE.",
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
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Control server assisted client side caching.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
  ]);
}
