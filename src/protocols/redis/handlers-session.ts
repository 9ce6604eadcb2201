/** The handlers of connection, server, Pub/Sub, transaction and stream commands, by the command's full name. */
import { aclLog } from "./commands/acl-log.ts";
import { aclCat, aclDryRun, aclGenPass, aclHelp, aclLoadOrSave, aclWhoAmI } from "./commands/acl.ts";
import { aclDelUser, aclGetUser, aclList, aclSetUser, aclUsers } from "./commands/acl-users.ts";
import { auth } from "./commands/auth.ts";
import { clientKill } from "./commands/client-kill.ts";
import { clientList } from "./commands/client-list.ts";
import {
  clientGetName,
  clientGetRedir,
  clientHelp,
  clientId,
  clientInfo,
  clientNoEvict,
  clientNoTouch,
  clientReply,
  clientSetInfo,
  clientSetName,
  clientTracking,
  clientTrackingInfo,
  clientUnblock,
} from "./commands/client.ts";
import {
  command,
  commandCount,
  commandDocs,
  commandGetKeys,
  commandGetKeysAndFlags,
  commandHelp,
  commandInfo,
  commandList,
} from "./commands/command.ts";
import { configGet, configHelp, configResetStat, configRewrite, configSet } from "./commands/config.ts";
import { echo } from "./commands/echo.ts";
import { exec } from "./commands/exec.ts";
import { hello } from "./commands/hello.ts";
import { info } from "./commands/info.ts";
import { discard, multi, unwatch, watch } from "./commands/multi.ts";
import { ping } from "./commands/ping.ts";
import { publish, spublish } from "./commands/publish.ts";
import {
  pubsubChannels,
  pubsubHelp,
  pubsubNumPat,
  pubsubNumSub,
  pubsubShardChannels,
  pubsubShardNumSub,
} from "./commands/pubsub.ts";
import { quit, reset } from "./commands/quit.ts";
import { role } from "./commands/role.ts";
import { select } from "./commands/select.ts";
import { psubscribe, ssubscribe, subscribe } from "./commands/subscribe.ts";
import { time } from "./commands/time.ts";
import { punsubscribe, sunsubscribe, unsubscribe } from "./commands/unsubscribe.ts";
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
  "acl|cat": aclCat,
  "acl|deluser": aclDelUser,
  "acl|dryrun": aclDryRun,
  "acl|genpass": aclGenPass,
  "acl|getuser": aclGetUser,
  "acl|help": aclHelp,
  "acl|list": aclList,
  "acl|load": aclLoadOrSave,
  "acl|log": aclLog,
  "acl|save": aclLoadOrSave,
  "acl|setuser": aclSetUser,
  "acl|users": aclUsers,
  "acl|whoami": aclWhoAmI,
  auth,
  "client|getname": clientGetName,
  "client|getredir": clientGetRedir,
  "client|help": clientHelp,
  "client|id": clientId,
  "client|info": clientInfo,
  "client|kill": clientKill,
  "client|list": clientList,
  "client|no-evict": clientNoEvict,
  "client|no-touch": clientNoTouch,
  "client|reply": clientReply,
  "client|setinfo": clientSetInfo,
  "client|setname": clientSetName,
  "client|tracking": clientTracking,
  "client|trackinginfo": clientTrackingInfo,
  "client|unblock": clientUnblock,
  command,
  "command|count": commandCount,
  "command|docs": commandDocs,
  "command|getkeys": commandGetKeys,
  "command|getkeysandflags": commandGetKeysAndFlags,
  "command|help": commandHelp,
  "command|info": commandInfo,
  "command|list": commandList,
  "config|get": configGet,
  "config|help": configHelp,
  "config|resetstat": configResetStat,
  "config|rewrite": configRewrite,
  "config|set": configSet,
  discard,
  echo,
  exec,
  hello,
  info,
  multi,
  ping,
  psubscribe,
  publish,
  "pubsub|channels": pubsubChannels,
  "pubsub|help": pubsubHelp,
  "pubsub|numpat": pubsubNumPat,
  "pubsub|numsub": pubsubNumSub,
  "pubsub|shardchannels": pubsubShardChannels,
  "pubsub|shardnumsub": pubsubShardNumSub,
  punsubscribe,
  quit,
  reset,
  role,
  select,
  spublish,
  ssubscribe,
  subscribe,
  sunsubscribe,
  time,
  unsubscribe,
  unwatch,
  watch,
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
