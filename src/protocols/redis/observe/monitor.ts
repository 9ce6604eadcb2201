/** MONITOR: from here on the connection is told of every command. */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const monitorCommand: CommandRow = {
  name: "monitor",
  arity: 1,
  flags: ["admin", "noscript", "loading", "stale"],
  since: "1.0.0",
  summary: "Shows every command as it arrives.",
  run: monitor,
};

function monitor({ caller, client, reply, server }: CommandContext): void {
  if (caller.later === null) throw new RedisError("ERR MONITOR isn't allowed for DENY BLOCKING client");
  // As in redis, a second MONITOR has no answer.
  if (client.isMonitor) return;
  server.observer.watchedBy(client);
  reply.ok();
}
