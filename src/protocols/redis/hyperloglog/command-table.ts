/** The HyperLogLog commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { pfaddCommand } from "./pfadd.ts";
import { pfcountCommand } from "./pfcount.ts";
import { pfdebugCommand } from "./pfdebug.ts";
import { pfmergeCommand } from "./pfmerge.ts";
import { pfselftestCommand } from "./pfselftest.ts";

export const hyperloglogCommands: CommandRows = inGroup(
  "hyperloglog",
  ["hyperloglog"],
  [pfaddCommand, pfcountCommand, pfdebugCommand, pfmergeCommand, pfselftestCommand],
);
