/** All handlers, by `spec.id`. A command without one is answered as an unknown command. */
import { allCommands } from "./command-table.ts";
import type { CommandHandler } from "./context.ts";
import { keyHandlers } from "./handlers-keys.ts";
import { sessionHandlers } from "./handlers-session.ts";
import type { CommandSpec } from "./command-spec.ts";

const byName: Record<string, CommandHandler> = { ...keyHandlers, ...sessionHandlers };

export const handlers: readonly (CommandHandler | undefined)[] = allCommands.map(
  (spec) => byName[spec.fullName],
);

/** Whether there is a handler for a command, or for one of its subcommands. */
export function isImplemented(spec: CommandSpec): boolean {
  return handlers[spec.id] !== undefined || spec.subcommandSpecs.some(isImplemented);
}
