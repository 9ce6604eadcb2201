/** The sorted set commands in their order; rows of those that are not implemented. core/command-spec.ts explains the fields. */
import { countedKeys, inGroup, keyRange, oneKey, type CommandRows } from "../core/command-spec.ts";
import { zaddCommands } from "./zadd.ts";
import { zcardCommand } from "./zcard.ts";
import { zcountCommands } from "./zcount.ts";
import { zmpopCommand } from "./zmpop.ts";
import { zpopCommands } from "./zpop.ts";
import { zrangeCommands } from "./zrange.ts";
import { zrankCommands } from "./zrank.ts";
import { zremCommand } from "./zrem.ts";
import { zremrangeCommands } from "./zremrange.ts";
import { zscanCommand } from "./zscan.ts";
import { zscoreCommands } from "./zscore.ts";

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
    {
      name: "zdiff",
      arity: -3,
      flags: ["readonly", "movablekeys"],
      keys: [countedKeys(1, "RO", "access")],
      since: "6.2.0",
      complexity: "O(L+(N-K)*log(N)), L members in all, N in the first, K in the result",
      summary: "Gives the members of a sorted set that the others lack.",
    },
    {
      name: "zdiffstore",
      arity: -4,
      flags: ["write", "denyoom", "movablekeys"],
      keys: [oneKey(1, "OW", "update"), countedKeys(2, "RO", "access")],
      since: "6.2.0",
      complexity: "O(L+(N-K)*log(N)), L members in all, N in the first, K in the result",
      summary: "Stores the members of a sorted set that the others lack.",
    },
    {
      name: "zinter",
      arity: -3,
      flags: ["readonly", "movablekeys"],
      keys: [countedKeys(1, "RO", "access")],
      since: "6.2.0",
      complexity: "O(N*K)+O(M*log(M)), N members of the smallest, K sets, M in the result",
      summary: "Gives the members that all sorted sets have.",
    },
    {
      name: "zintercard",
      arity: -3,
      flags: ["readonly", "movablekeys"],
      keys: [countedKeys(1, "RO", "access")],
      since: "7.0.0",
      complexity: "O(N*K), N members of the smallest, K sets",
      summary: "Counts the members that all sorted sets have.",
    },
    {
      name: "zinterstore",
      arity: -4,
      flags: ["write", "denyoom", "movablekeys"],
      keys: [oneKey(1, "OW", "update"), countedKeys(2, "RO", "access")],
      since: "2.0.0",
      complexity: "O(N*K)+O(M*log(M)), N members of the smallest, K sets, M in the result",
      summary: "Stores the members that all sorted sets have.",
    },
    zmpopCommand,
    ...zscoreCommands,
    ...zpopCommands,
    {
      name: "zrandmember",
      arity: -2,
      flags: ["readonly"],
      keys: [oneKey(1, "RO", "access")],
      tips: ["nondeterministic_output"],
      since: "6.2.0",
      complexity: "O(N), N members returned",
      summary: "Picks members of a sorted set at random.",
    },
    ...zrangeCommands,
    {
      name: "zrangestore",
      arity: -5,
      flags: ["write", "denyoom"],
      keys: [oneKey(1, "OW", "update"), oneKey(2, "RO", "access")],
      since: "6.2.0",
      complexity: "O(log(N)+M), N members, M stored",
      summary: "Stores a range of a sorted set.",
    },
    ...zrankCommands,
    zremCommand,
    ...zremrangeCommands,
    zscanCommand,
    {
      name: "zunion",
      arity: -3,
      flags: ["readonly", "movablekeys"],
      keys: [countedKeys(1, "RO", "access")],
      since: "6.2.0",
      complexity: "O(N)+O(M*log(M)), N members in all, M in the result",
      summary: "Gives the members that any of the sorted sets has.",
    },
    {
      name: "zunionstore",
      arity: -4,
      flags: ["write", "denyoom", "movablekeys"],
      keys: [oneKey(1, "OW", "update"), countedKeys(2, "RO", "access")],
      since: "2.0.0",
      complexity: "O(N)+O(M*log(M)), N members in all, M in the result",
      summary: "Stores the members that any of the sorted sets has.",
    },
  ],
);
