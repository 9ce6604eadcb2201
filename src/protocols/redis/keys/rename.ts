/** RENAME key newkey      RENAMENX key newkey */
import type { CommandContext } from "../core/context.ts";
import { renameKey } from "./key-transfer.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const renameCommands: readonly CommandRow[] = [
  {
    name: "rename",
    arity: 3,
    flags: ["write"],
    keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "OW", "update")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Renames a key, replacing the new name's value.",
    run: rename,
  },
  {
    name: "renamenx",
    arity: 3,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "OW", "insert")],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Renames a key if the new name is free.",
    run: renamenx,
  },
];

function rename(context: CommandContext): void {
  renameKey(context, true);
  context.reply.ok();
}

function renamenx(context: CommandContext): void {
  context.reply.integer(renameKey(context, false) ? 1 : 0);
}
