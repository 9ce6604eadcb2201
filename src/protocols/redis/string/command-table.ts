/** The string commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { appendCommand } from "./append.ts";
import { getCommand } from "./get.ts";
import { getdelCommand } from "./getdel.ts";
import { getexCommand } from "./getex.ts";
import { getrangeCommands } from "./getrange.ts";
import { getsetCommand } from "./getset.ts";
import { incrbyfloatCommand } from "./incrbyfloat.ts";
import { incrementCommands } from "./increment.ts";
import { lcsCommand } from "./lcs.ts";
import { mgetCommand } from "./mget.ts";
import { msetCommands } from "./mset.ts";
import { setCommand } from "./set.ts";
import { setexCommands } from "./setex.ts";
import { setrangeCommand } from "./setrange.ts";
import { strlenCommand } from "./strlen.ts";

export const stringCommands: CommandRows = inGroup(
  "string",
  ["string"],
  [
    appendCommand,
    ...incrementCommands,
    getCommand,
    getdelCommand,
    getexCommand,
    ...getrangeCommands,
    getsetCommand,
    incrbyfloatCommand,
    lcsCommand,
    mgetCommand,
    ...msetCommands,
    ...setexCommands,
    setCommand,
    setrangeCommand,
    strlenCommand,
  ],
);
