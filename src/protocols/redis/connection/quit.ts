/** QUIT      RESET */
import type { ClientConnection } from "../core/client-connection.ts";
import type { CommandContext } from "../core/context.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { RedisServer } from "../server.ts";

export const quitCommands: readonly CommandRow[] = [
  {
    name: "quit",
    arity: -1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Closes the connection.",
    forSubscribers: "allowed",
    inMulti: "leaves",
    run: quit,
  },
  {
    name: "reset",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Puts this connection back to how it began.",
    forSubscribers: "allowed",
    inMulti: "leaves",
    run: reset,
  },
];

function quit({ reply, client }: CommandContext): void {
  reply.ok();
  client.end();
}

function reset(context: CommandContext): void {
  const { client, server, reply } = context;
  asItBegan(client, server);
  reply.simple("RESET");
}

/** What the client has set is as it was when it connected. */
function asItBegan(client: ClientConnection, server: RedisServer): void {
  const { context } = client;
  client.endTransaction();
  server.observer.notWatchedBy(client);
  client.subscriptions?.unsubscribeAll();
  client.subscriptions = null;
  server.tracking.turnOff(client);
  context.database = 0;
  context.usesFrom = 1;
  context.reply.version = 2;
  client.name = "";
  client.replyMode = "on";
  client.isNoEvict = false;
  client.loggedIn(server.broker.access.anonymous);
}
