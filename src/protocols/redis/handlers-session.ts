/** The handlers of connection, server, Pub/Sub, transaction and stream commands, by the command's full name. */
import { ping } from "./commands/ping.ts";
import { xack } from "./commands/xack.ts";
import { xadd } from "./commands/xadd.ts";
import { xautoclaim } from "./commands/xautoclaim.ts";
import { xclaim } from "./commands/xclaim.ts";
import { xdel } from "./commands/xdel.ts";
import {
  xgroupCreate,
  xgroupCreateConsumer,
  xgroupDelConsumer,
  xgroupDestroy,
  xgroupHelp,
  xgroupSetId,
} from "./commands/xgroup.ts";
import { xinfoConsumers, xinfoGroups, xinfoHelp, xinfoStream } from "./commands/xinfo.ts";
import { xlen } from "./commands/xlen.ts";
import { xpending } from "./commands/xpending.ts";
import { xrange, xrevrange } from "./commands/xrange.ts";
import { xread } from "./commands/xread.ts";
import { xreadgroup } from "./commands/xreadgroup.ts";
import { xsetid } from "./commands/xsetid.ts";
import { xtrim } from "./commands/xtrim.ts";
import type { CommandHandler } from "./context.ts";

export const sessionHandlers: Record<string, CommandHandler> = {
  ping,
  xack,
  xadd,
  xautoclaim,
  xclaim,
  xdel,
  "xgroup|create": xgroupCreate,
  "xgroup|createconsumer": xgroupCreateConsumer,
  "xgroup|delconsumer": xgroupDelConsumer,
  "xgroup|destroy": xgroupDestroy,
  "xgroup|help": xgroupHelp,
  "xgroup|setid": xgroupSetId,
  "xinfo|consumers": xinfoConsumers,
  "xinfo|groups": xinfoGroups,
  "xinfo|help": xinfoHelp,
  "xinfo|stream": xinfoStream,
  xlen,
  xpending,
  xrange,
  xread,
  xreadgroup,
  xrevrange,
  xsetid,
  xtrim,
};
