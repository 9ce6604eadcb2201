/** The sorted set commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { bzpopCommands } from "./bzpop.ts";
import { zaddCommands } from "./zadd.ts";
import { zcardCommand } from "./zcard.ts";
import { zcountCommands } from "./zcount.ts";
import { zmpopCommand } from "./zmpop.ts";
import { zpopCommands } from "./zpop.ts";
import { zrangeCommands } from "./zrange.ts";
import { zrandmemberCommand } from "./zrandmember.ts";
import { zrangestoreCommand } from "./zrangestore.ts";
import { zrankCommands } from "./zrank.ts";
import { zremCommand } from "./zrem.ts";
import { zremrangeCommands } from "./zremrange.ts";
import { zscanCommand } from "./zscan.ts";
import { zscoreCommands } from "./zscore.ts";
import { zdiffCommands, zinterCommands, zunionCommands } from "./zunion.ts";

export const sortedSetCommands: CommandRows = inGroup(
  "sorted-set",
  ["sortedset"],
  [
    ...bzpopCommands,
    ...zaddCommands,
    zcardCommand,
    ...zcountCommands,
    ...zdiffCommands,
    ...zinterCommands,
    zmpopCommand,
    ...zscoreCommands,
    ...zpopCommands,
    zrandmemberCommand,
    ...zrangeCommands,
    zrangestoreCommand,
    ...zrankCommands,
    zremCommand,
    ...zremrangeCommands,
    zscanCommand,
    ...zunionCommands,
  ],
);
