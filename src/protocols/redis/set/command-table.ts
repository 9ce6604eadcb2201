/** The set commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { saddCommand } from "./sadd.ts";
import { scardCommand } from "./scard.ts";
import { sdiffCommands } from "./sdiff.ts";
import { sinterCommands } from "./sinter.ts";
import { sismemberCommands } from "./sismember.ts";
import { smembersCommand } from "./smembers.ts";
import { smoveCommand } from "./smove.ts";
import { spopCommand } from "./spop.ts";
import { srandmemberCommand } from "./srandmember.ts";
import { sremCommand } from "./srem.ts";
import { sscanCommand } from "./sscan.ts";
import { sunionCommands } from "./sunion.ts";

export const setCommands: CommandRows = inGroup(
  "set",
  ["set"],
  [
    saddCommand,
    scardCommand,
    ...sdiffCommands,
    ...sinterCommands,
    ...sismemberCommands,
    smembersCommand,
    smoveCommand,
    spopCommand,
    srandmemberCommand,
    sremCommand,
    sscanCommand,
    ...sunionCommands,
  ],
);
