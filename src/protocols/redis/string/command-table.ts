/** The string commands in their order, with the rows of those that are not implemented. core/command-spec.ts explains the fields. */
import { inGroup, keyRange, type CommandRows } from "../core/command-spec.ts";
import { appendCommand } from "./append.ts";
import { getCommand } from "./get.ts";
import { getdelCommand } from "./getdel.ts";
import { getexCommand } from "./getex.ts";
import { getrangeCommands } from "./getrange.ts";
import { getsetCommand } from "./getset.ts";
import { incrbyfloatCommand } from "./incrbyfloat.ts";
import { incrementCommands } from "./increment.ts";
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
    {
      name: "lcs",
      arity: -3,
      flags: ["readonly"],
      keys: [keyRange(1, 1, 1, "RO", "access")],
      since: "7.0.0",
      complexity: "O(N*M), N and M bytes of the two strings",
      summary: "Finds the longest common subsequence of two strings.",
    },
    mgetCommand,
    ...msetCommands,
    ...setexCommands,
    setCommand,
    setrangeCommand,
    strlenCommand,
  ],
);
