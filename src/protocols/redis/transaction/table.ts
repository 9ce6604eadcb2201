/** The rows of the transactions commands. Data only; core/command-spec.ts explains the fields. */
import { inGroup, keyRange, type CommandRows } from "../core/command-spec.ts";

export const transactionsCommands: CommandRows = inGroup(
  "transactions",
  ["transaction"],
  [
    {
      name: "discard",
      arity: 1,
      flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
      since: "2.0.0",
      complexity: "O(N), N queued commands",
      summary: "Drops the transaction.",
    },
    {
      name: "exec",
      arity: 1,
      flags: ["noscript", "loading", "stale", "skip_slowlog"],
      since: "1.2.0",
      complexity: "Depends on the queued commands",
      summary: "Runs the transaction.",
    },
    {
      name: "multi",
      arity: 1,
      flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
      since: "1.2.0",
      complexity: "O(1)",
      summary: "Opens a transaction.",
    },
    {
      name: "unwatch",
      arity: 1,
      flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
      since: "2.2.0",
      complexity: "O(1)",
      summary: "Forgets all watched keys.",
    },
    {
      name: "watch",
      arity: -2,
      flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
      keys: [keyRange(1, -1, 1, "RO")],
      since: "2.2.0",
      complexity: "O(1) for each key",
      summary: "Lets the next transaction fail if one of these keys changes.",
    },
  ],
);
