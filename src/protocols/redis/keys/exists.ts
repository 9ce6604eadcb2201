/**
 * EXISTS key [key ...]      TOUCH key [key ...]
 *
 * Both count the keys that exist; a key that is named twice counts twice. TOUCH uses the keys, EXISTS does not (keyspace/eviction/key-uses.ts).
 */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "./key-access.ts";
import { keyAt } from "./key-ref.ts";
import { replyCountOfKeys } from "./key-count.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";

export const existsCommands: readonly CommandRow[] = [
  {
    name: "exists",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: [keyRange(1, -1, 1, "RO")],
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    since: "1.0.0",
    complexity: "O(N), N keys",
    summary: "Counts how many of the keys exist.",
    use: "glance",
    run: exists,
  },
  {
    name: "touch",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: [keyRange(1, -1, 1, "RO")],
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    since: "3.2.1",
    complexity: "O(N), N keys",
    summary: "Marks keys as used, and counts those that exist.",
    use: "always",
    run: exists,
  },
];

const unitsOfKey = 0.3;

function exists(context: CommandContext): void {
  const database = keysOf(context);
  replyCountOfKeys(
    context,
    { units: unitsOfKey, isWhole: false },
    (index) => keyAt(context, index, database).exists,
  );
}
