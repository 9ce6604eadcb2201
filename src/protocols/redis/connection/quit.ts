/** QUIT      RESET */
import type { CommandContext } from "../core/context.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const quitCommands: readonly CommandRow[] = [
  {
    name: "quit",
    arity: -1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Closes the connection.",
    run: quit,
  },
  {
    name: "reset",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Puts this connection back to how it began.",
    run: reset,
  },
];

function quit({ reply, client }: CommandContext): void {
  reply.ok();
  client.end();
}

function reset({ reply, client }: CommandContext): void {
  client.reset();
  reply.simple("RESET");
}
