/** CLIENT LIST [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID id [id ...]] */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { clientLine } from "./client-line.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import type { ClientConnection } from "../core/client-connection.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const clientListCommand: CommandRow = {
  name: "list",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  tips: ["nondeterministic_output"],
  since: "2.4.0",
  complexity: "O(N), N connections",
  summary: "Describes all connections.",
  run: clientList,
};

const unitsOfLine = 8;

export type ClientType = "normal" | "pubsub" | "none";

/** The type in argument `index`. There are no replicas here, so some types have no member. */
export function clientTypeArgument({ request }: CommandContext, index: number): ClientType {
  const name = request.utf8(index).toLowerCase();
  if (name === "normal" || name === "pubsub") return name;
  if (name === "master" || name === "slave" || name === "replica") return "none";
  throw new RedisError(`ERR Unknown client type '${request.utf8(index)}'`);
}

export function isOfType(client: ClientConnection, type: ClientType): boolean {
  return type !== "none" && client.isSubscriber === (type === "pubsub");
}

function clientList(context: CommandContext): void {
  const { request, server } = context;
  let clients = [...server.sessions.values()];
  if (request.argumentCount === 4 && request.is(2, "TYPE")) {
    const type = clientTypeArgument(context, 3);
    clients = clients.filter((client) => isOfType(client, type));
  } else if (request.argumentCount > 3 && request.is(2, "ID")) {
    clients = [];
    for (let at = 3; at < request.argumentCount; at++) {
      const id = request.integer(at);
      if (Number.isNaN(id)) throw new RedisError("ERR Invalid client ID");
      const client = server.sessions.get(id);
      if (client !== undefined) clients.push(client);
    }
  } else if (request.argumentCount !== 2) throw syntaxError();
  answerInSlices(context, () => writeLines(context, clients));
}

function* writeLines({ reply, server }: CommandContext, clients: readonly ClientConnection[]): Job<void> {
  const lines: string[] = [];
  const piece = new Piece();
  for (const client of clients) {
    // It may have gone between two slices.
    if (server.sessions.get(client.id) === client) lines.push(`${clientLine(client)}\n`);
    const due = piece.add(unitsOfLine);
    if (due > 0) yield due;
  }
  reply.verbatim("txt", lines.join(""));
}
