/** The handlers of connection, server, Pub/Sub, transaction and stream commands, by the command's full name. */
import { aclLog } from "../acl/commands-log.ts";
import { aclCat, aclDryRun, aclGenPass, aclHelp, aclLoadOrSave, aclWhoAmI } from "../acl/commands.ts";
import { aclDelUser, aclGetUser, aclList, aclSetUser, aclUsers } from "../acl/commands-users.ts";
import { auth } from "../connection/auth.ts";
import { clientKill } from "../connection/client-kill.ts";
import { clientList } from "../connection/client-list.ts";
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
} from "../connection/client.ts";
import {
  command,
  commandCount,
  commandDocs,
  commandGetKeys,
  commandGetKeysAndFlags,
  commandHelp,
  commandInfo,
  commandList,
} from "../server/command.ts";
import { configGet, configHelp, configResetStat, configRewrite, configSet } from "../server/config.ts";
import { echo } from "../connection/echo.ts";
import { exec } from "../transaction/exec.ts";
import { hello } from "../connection/hello.ts";
import { info } from "../server/info.ts";
import { discard, multi, unwatch, watch } from "../transaction/multi.ts";
import { ping } from "../connection/ping.ts";
import { publish, spublish } from "../pubsub/publish.ts";
import {
  pubsubChannels,
  pubsubHelp,
  pubsubNumPat,
  pubsubNumSub,
  pubsubShardChannels,
  pubsubShardNumSub,
} from "../pubsub/pubsub.ts";
import { quit, reset } from "../connection/quit.ts";
import { role } from "../server/role.ts";
import { select } from "../connection/select.ts";
import { psubscribe, ssubscribe, subscribe } from "../pubsub/subscribe.ts";
import { time } from "../server/time.ts";
import { punsubscribe, sunsubscribe, unsubscribe } from "../pubsub/unsubscribe.ts";
import { xack } from "../stream/xack.ts";
import { xadd } from "../stream/xadd.ts";
import { xautoclaim } from "../stream/xautoclaim.ts";
import { xclaim } from "../stream/xclaim.ts";
import { xdel } from "../stream/xdel.ts";
import {
  xgroupCreate,
  xgroupCreateConsumer,
  xgroupDelConsumer,
  xgroupDestroy,
  xgroupHelp,
  xgroupSetId,
} from "../stream/xgroup.ts";
import { xinfoConsumers, xinfoGroups, xinfoHelp, xinfoStream } from "../stream/xinfo.ts";
import { xlen } from "../stream/xlen.ts";
import { xpending } from "../stream/xpending.ts";
import { xrange, xrevrange } from "../stream/xrange.ts";
import { xread } from "../stream/xread.ts";
import { xreadgroup } from "../stream/xreadgroup.ts";
import { xsetid } from "../stream/xsetid.ts";
import { xtrim } from "../stream/xtrim.ts";
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
