/** PERSIST key */
import type { CommandContext } from "../core/context.ts";
import { writableKeyAt } from "./key-ref.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const persistCommand: CommandRow = {
  name: "persist",
  arity: 2,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "update")],
  since: "2.2.0",
  complexity: "O(1)",
  summary: "Lets a key live without limit.",
  acts: ["persist"],
  run: persist,
};

function persist(context: CommandContext): void {
  const key = writableKeyAt(context, 1);
  if (key.expiry === 0) return context.reply.integer(0);
  key.setExpiry(0);
  context.notify(keyEvents.persist, 1);
  context.reply.integer(1);
}
