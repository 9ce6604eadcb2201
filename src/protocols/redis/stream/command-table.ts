/** The stream commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { xackCommand } from "./groups/xack.ts";
import { xackdelCommand } from "./groups/xackdel.ts";
import { xaddCommand } from "./xadd.ts";
import { xautoclaimCommand } from "./groups/xautoclaim.ts";
import { xclaimCommand } from "./groups/xclaim.ts";
import { xdelCommand } from "./xdel.ts";
import { xdelexCommand } from "./xdelex.ts";
import { xgroupCommand } from "./groups/xgroup.ts";
import { xinfoCommand } from "./xinfo.ts";
import { xlenCommand } from "./xlen.ts";
import { xpendingCommand } from "./groups/xpending.ts";
import { xrangeCommands } from "./xrange.ts";
import { xreadCommand } from "./xread.ts";
import { xreadgroupCommand } from "./groups/xreadgroup.ts";
import { xsetidCommand } from "./xsetid.ts";
import { xtrimCommand } from "./xtrim.ts";

export const streamCommands: CommandRows = inGroup(
  "stream",
  ["stream"],
  [
    xackCommand,
    xackdelCommand,
    xaddCommand,
    xautoclaimCommand,
    xclaimCommand,
    xdelCommand,
    xdelexCommand,
    xgroupCommand,
    xinfoCommand,
    xlenCommand,
    xpendingCommand,
    ...xrangeCommands,
    xreadCommand,
    xreadgroupCommand,
    xsetidCommand,
    xtrimCommand,
  ],
);
