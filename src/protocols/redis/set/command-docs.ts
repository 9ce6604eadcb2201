/** What COMMAND DOCS says about the arguments of set commands, implemented or not, and about what they were before. */
import {
  integer,
  key,
  many,
  optional,
  pattern,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  sadd: {
    arguments: [key(0), many(string("member"))],
    history: [["2.4.0", "Accepts multiple `member` arguments."]],
  },
  scard: { arguments: [key(0)] },
  sdiff: { arguments: [many(key(0))] },
  sdiffstore: { arguments: [key(0, "destination"), many(key(1))] },
  sinter: { arguments: [many(key(0))] },
  sintercard: { arguments: [integer("numkeys"), many(key(0)), optional(token("LIMIT", integer("limit")))] },
  sinterstore: { arguments: [key(0, "destination"), many(key(1))] },
  sismember: { arguments: [key(0), string("member")] },
  smembers: { arguments: [key(0)] },
  smismember: { arguments: [key(0), many(string("member"))] },
  smove: { arguments: [key(0, "source"), key(1, "destination"), string("member")] },
  spop: {
    arguments: [key(0), since("3.2.0", optional(integer("count")))],
    history: [["3.2.0", "Added the `count` argument."]],
  },
  srandmember: {
    arguments: [key(0), since("2.6.0", optional(integer("count")))],
    history: [["2.6.0", "Added the optional `count` argument."]],
  },
  srem: {
    arguments: [key(0), many(string("member"))],
    history: [["2.4.0", "Accepts multiple `member` arguments."]],
  },
  sscan: {
    arguments: [
      key(0),
      integer("cursor"),
      optional(token("MATCH", pattern("pattern"))),
      optional(token("COUNT", integer("count"))),
    ],
  },
  sunion: { arguments: [many(key(0))] },
  sunionstore: { arguments: [key(0, "destination"), many(key(1))] },
};
