/** The sorted set commands in their order; rows of those that are not implemented. core/command-spec.ts explains the fields. */
import { countedKeys, inGroup, keyRange, type CommandRows } from "../core/command-spec.ts";
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
    {
      name: "bzmpop",
      arity: -5,
      flags: ["write", "blocking", "movablekeys"],
      keys: [countedKeys(2, "RW", "access", "delete")],
      since: "7.0.0",
      complexity: "O(K)+O(M*log(N)), K keys, M members taken of N",
      summary: "Takes members by score from the first sorted set that has any, waiting for one.",
    },
    {
      name: "bzpopmax",
      arity: -3,
      flags: ["write", "noscript", "blocking", "fast"],
      keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
      since: "5.0.0",
      complexity: "O(log(N)), N members",
      summary: "Takes the member with the highest score, waiting for one.",
    },
    {
      name: "bzpopmin",
      arity: -3,
      flags: ["write", "noscript", "blocking", "fast"],
      keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
      since: "5.0.0",
      complexity: "O(log(N)), N members",
      summary: "Takes the member with the lowest score, waiting for one.",
    },
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
