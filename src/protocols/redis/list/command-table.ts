/** The list commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { blmoveCommands } from "./blmove.ts";
import { blpopCommands } from "./blpop.ts";
import { lindexCommand } from "./lindex.ts";
import { linsertCommand } from "./linsert.ts";
import { llenCommand } from "./llen.ts";
import { lmoveCommands } from "./lmove.ts";
import { lmpopCommand } from "./lmpop.ts";
import { lpopCommands } from "./lpop.ts";
import { lposCommand } from "./lpos.ts";
import { lpushCommands } from "./lpush.ts";
import { lrangeCommand } from "./lrange.ts";
import { lremCommand } from "./lrem.ts";
import { lsetCommand } from "./lset.ts";
import { ltrimCommand } from "./ltrim.ts";

export const listCommands: CommandRows = inGroup(
  "list",
  ["list"],
  [
    ...blmoveCommands,
    ...blpopCommands,
    lindexCommand,
    linsertCommand,
    llenCommand,
    ...lmoveCommands,
    lmpopCommand,
    ...lpopCommands,
    lposCommand,
    ...lpushCommands,
    lrangeCommand,
    lremCommand,
    lsetCommand,
    ltrimCommand,
  ],
);
