/** The rows of the hyperloglog commands. Data only; core/command-spec.ts explains the fields. */
import { inGroup, keyRange, oneKey, type CommandRows } from "../core/command-spec.ts";

export const hyperloglogCommands: CommandRows = inGroup(
  "hyperloglog",
  ["hyperloglog"],
  [
    {
      name: "pfadd",
      arity: -2,
      flags: ["write", "denyoom", "fast"],
      keys: [oneKey(1, "RW", "insert")],
      since: "2.8.9",
      complexity: "O(1) for each element",
      summary: "Adds elements to a HyperLogLog.",
    },
    {
      name: "pfcount",
      arity: -2,
      flags: ["readonly"],
      keys: [keyRange(1, -1, 1, "RW", "access")],
      since: "2.8.9",
      complexity: "O(N), N keys",
      summary: "Estimates how many distinct elements were added.",
    },
    {
      name: "pfdebug",
      arity: 3,
      flags: ["write", "denyoom", "admin"],
      keys: [oneKey(2, "RW", "access")],
      since: "2.8.9",
      summary: "Looks inside a HyperLogLog.",
      internal: true,
    },
    {
      name: "pfmerge",
      arity: -2,
      flags: ["write", "denyoom"],
      keys: [oneKey(1, "RW", "access", "insert"), keyRange(2, -1, 1, "RO", "access")],
      since: "2.8.9",
      complexity: "O(N), N keys",
      summary: "Merges HyperLogLogs into one.",
    },
    {
      name: "pfselftest",
      arity: 1,
      flags: ["admin"],
      since: "2.8.9",
      summary: "Tests the HyperLogLog code.",
      internal: true,
    },
  ],
);
