/** XLEN key */
import type { CommandContext } from "../core/context.ts";
import { findStream } from "./find.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const xlenCommand: CommandRow = {
  name: "xlen",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "5.0.0",
  complexity: "O(1)",
  summary: "Counts the entries of a stream.",
  run: xlen,
};

function xlen(context: CommandContext): void {
  context.reply.integer(findStream(context, 1)?.log.length ?? 0);
}
