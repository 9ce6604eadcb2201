/**
 * CLIENT KILL address
 * CLIENT KILL [ID id] [TYPE type] [USER user] [ADDR address] [LADDR address] [SKIPME yes|no] [MAXAGE seconds]
 *
 * Of a filter that is given more than once the last counts.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { addressText, ageSeconds } from "./client-line.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import type { ClientConnection } from "../core/client-connection.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { clientTypeArgument, isOfType } from "./client-list.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const clientKillCommand: CommandRow = {
  name: "kill",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  since: "2.4.0",
  complexity: "O(N), N connections",
  summary: "Closes the connections that match.",
  run: clientKill,
};

const unitsOfLook = 0.5;
const unitsOfKill = 30;

type Filter = (client: ClientConnection) => boolean;

function clientKill(context: CommandContext): void {
  const { request } = context;
  if (request.argumentCount === 3) {
    const address = request.utf8(2);
    const isOfAddress: Filter = (client) => addressText(client.connection.remote) === address;
    return answerInSlices(context, () => killAddress(context, isOfAddress));
  }
  const { filters, skipsMe } = parse(context);
  const isMeant: Filter = (client) =>
    !(skipsMe && client === context.client) && [...filters.values()].every((filter) => filter(client));
  answerInSlices(context, () => killMeant(context, isMeant));
}

function* killAddress(context: CommandContext, isOfAddress: Filter): Job<void> {
  if ((yield* killOthers(context, isOfAddress)) === 0) throw new RedisError("ERR No such client");
  context.reply.ok();
}

function* killMeant(context: CommandContext, isMeant: Filter): Job<void> {
  context.reply.integer(yield* killOthers(context, isMeant));
}

/** How many are killed. Its own connection is among the last, and ends once the reply is sent. */
function* killOthers(context: CommandContext, isMeant: Filter): Job<number> {
  const { server } = context;
  const piece = new Piece();
  let killed = 0;
  const clients = [...server.sessions.values()];
  for (const client of clients) {
    const due = piece.add(unitsOfLook);
    if (due > 0) yield due;
    if (server.sessions.get(client.id) !== client || !isMeant(client)) continue;
    killed++;
    if (client !== context.client) client.connection.destroy();
    else if (client.isExecuting) client.end();
    else client.endsAfterReply = true;
    const dueNow = piece.add(unitsOfKill);
    if (dueNow > 0) yield dueNow;
  }
  return killed;
}

function parse(context: CommandContext): { filters: ReadonlyMap<string, Filter>; skipsMe: boolean } {
  const { request } = context;
  const filters = new Map<string, Filter>();
  let skipsMe = true;
  for (let at = 2; at < request.argumentCount; at += 2) {
    if (at + 1 >= request.argumentCount) throw syntaxError();
    const value = request.utf8(at + 1);
    if (request.is(at, "ID")) {
      const id = request.integer(at + 1);
      if (!(id > 0)) throw new RedisError("ERR client-id should be greater than 0");
      filters.set("ID", (client) => client.id === id);
    } else if (request.is(at, "TYPE")) {
      const type = clientTypeArgument(context, at + 1);
      filters.set("TYPE", (client) => isOfType(client, type));
    } else if (request.is(at, "ADDR")) {
      filters.set("ADDR", (client) => addressText(client.connection.remote) === value);
    } else if (request.is(at, "LADDR")) {
      filters.set("LADDR", (client) => addressText(client.connection.local) === value);
    } else if (request.is(at, "USER")) {
      if (context.broker.access.users.get(value) === undefined)
        throw new RedisError(`ERR No such user '${value}'`);
      filters.set("USER", (client) => client.user === value);
    } else if (request.is(at, "MAXAGE")) {
      const seconds = request.integer(at + 1);
      if (Number.isNaN(seconds)) throw new RedisError("ERR maxage is not an integer or out of range");
      if (seconds <= 0) throw new RedisError("ERR maxage should be greater than 0");
      filters.set("MAXAGE", (client) => ageSeconds(client) >= seconds);
    } else if (request.is(at, "SKIPME") && (request.is(at + 1, "YES") || request.is(at + 1, "NO"))) {
      skipsMe = request.is(at + 1, "YES");
    } else throw syntaxError();
  }
  return { filters, skipsMe };
}
