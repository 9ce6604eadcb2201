/** The ACL commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { aclLogCommand } from "./commands-log.ts";
import { aclSubcommands } from "./commands.ts";
import { aclUserCommands } from "./commands-users.ts";

export const aclCommands: CommandRows = inGroup(
  "server",
  [],
  [
    {
      name: "acl",
      arity: -2,
      flags: [],
      since: "6.0.0",
      complexity: "Depends on the subcommand",
      summary: "Manages users and what they may do.",
      subcommands: [...aclSubcommands, ...aclUserCommands, aclLogCommand],
    },
  ],
);
