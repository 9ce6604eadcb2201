/** DEL key [key ...]      UNLINK key [key ...]: the same, since removing is quick in any case. */
import type { CommandContext } from "../core/context.ts";
import { replyCountOfKeys } from "./key-count.ts";
import { writableKeysOf } from "./key-access.ts";
import { keyAt } from "./key-ref.ts";
import { keyRange, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const delCommands: readonly CommandRow[] = [
  {
    name: "del",
    arity: -2,
    flags: ["write"],
    keys: [keyRange(1, -1, 1, "RM", "delete")],
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    since: "1.0.0",
    complexity: "O(N), N keys and the elements in them",
    summary: "Removes keys.",
    run: deleteKeys,
  },
  {
    name: "unlink",
    arity: -2,
    flags: ["write", "fast"],
    keys: [keyRange(1, -1, 1, "RM", "delete")],
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    since: "4.0.0",
    complexity: "O(1) for each key, O(N) later for its N parts",
    summary: "Removes keys, and frees their memory later.",
    run: deleteKeys,
  },
];

/** What removing a string costs; a stream takes longer. */
const unitsOfKey = 1;

function deleteKeys(context: CommandContext): void {
  const database = writableKeysOf(context);
  replyCountOfKeys(context, { units: unitsOfKey, isWhole: true }, (index) => {
    const isThere = keyAt(context, index, database).remove();
    if (isThere) context.notify(keyEvents.del, index);
    return isThere;
  });
}
