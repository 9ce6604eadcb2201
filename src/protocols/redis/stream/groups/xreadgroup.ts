/** XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [CLAIM min-idle-ms] [NOACK] STREAMS key [key ...] id [id ...] */
import type { CommandContext } from "../../core/context.ts";
import { readOrWait } from "../xread.ts";
import { keysBehind, type CommandRow } from "../../core/command-spec.ts";

export const xreadgroupCommand: CommandRow = {
  name: "xreadgroup",
  arity: -7,
  flags: ["write", "blocking", "movablekeys"],
  keys: [keysBehind("STREAMS", { startFrom: 4, lastKey: -1, limit: 2 }, "RO", "access")],
  since: "5.0.0",
  complexity: "O(N) for each stream, N entries returned",
  summary: "Reads streams as a consumer of a group, and may wait for entries.",
  run: xreadgroup,
};

function xreadgroup(context: CommandContext): void {
  readOrWait(context, true);
}
