/** ROLE: there are no replicas. */
import type { CommandContext } from "../core/context.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const roleCommand: CommandRow = {
  name: "role",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  since: "2.8.12",
  complexity: "O(1)",
  summary: "Tells this server's part in replication.",
  run: role,
};

function role({ reply }: CommandContext): void {
  reply.array(3);
  reply.bulkLatin1("master");
  reply.integer(0);
  reply.array(0);
}
