/** TYPE key */
import type { CommandContext } from "../core/context.ts";
import { keyAt } from "./key-ref.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const typeCommand: CommandRow = {
  name: "type",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Tells what kind of value a key holds.",
  use: "glance",
  run: type,
};

function type(context: CommandContext): void {
  context.reply.simple(keyAt(context, 1).typeName);
}
