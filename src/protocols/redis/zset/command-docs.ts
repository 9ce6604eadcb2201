/** What COMMAND DOCS says about the arguments of sorted set commands, implemented or not, and about what they were before. */
import {
  block,
  double,
  flag,
  integer,
  key,
  many,
  oneOf,
  optional,
  pattern,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  bzmpop: {
    arguments: [
      double("timeout"),
      integer("numkeys"),
      many(key(0)),
      oneOf("where", flag("MIN"), flag("MAX")),
      optional(token("COUNT", integer("count"))),
    ],
  },
  bzpopmax: {
    arguments: [many(key(0)), double("timeout")],
    history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  },
  bzpopmin: {
    arguments: [many(key(0)), double("timeout")],
    history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  },
  zadd: {
    arguments: [
      key(0),
      since("3.0.2", optional(oneOf("condition", flag("NX"), flag("XX")))),
      since("6.2.0", optional(oneOf("comparison", flag("GT"), flag("LT")))),
      since("3.0.2", optional(flag("CH", "change"))),
      since("3.0.2", optional(flag("INCR", "increment"))),
      many(block("score_member", double("score"), string("member"))),
    ],
    history: [
      ["2.4.0", "Accepts multiple elements."],
      ["3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."],
      ["6.2.0", "Added the `GT` and `LT` options."],
    ],
  },
  zcard: { arguments: [key(0)] },
  zcount: { arguments: [key(0), double("min"), double("max")] },
  zdiff: { arguments: [integer("numkeys"), many(key(0)), optional(flag("WITHSCORES"))] },
  zdiffstore: { arguments: [key(0, "destination"), integer("numkeys"), many(key(1))] },
  zincrby: { arguments: [key(0), integer("increment"), string("member")] },
  zinter: {
    arguments: [
      integer("numkeys"),
      many(key(0)),
      optional(many(token("WEIGHTS", integer("weight")))),
      optional(token("AGGREGATE", oneOf("aggregate", flag("SUM"), flag("MIN"), flag("MAX")))),
      optional(flag("WITHSCORES")),
    ],
  },
  zintercard: { arguments: [integer("numkeys"), many(key(0)), optional(token("LIMIT", integer("limit")))] },
  zinterstore: {
    arguments: [
      key(0, "destination"),
      integer("numkeys"),
      many(key(1)),
      optional(many(token("WEIGHTS", integer("weight")))),
      optional(token("AGGREGATE", oneOf("aggregate", flag("SUM"), flag("MIN"), flag("MAX")))),
    ],
  },
  zlexcount: { arguments: [key(0), string("min"), string("max")] },
  zmpop: {
    arguments: [
      integer("numkeys"),
      many(key(0)),
      oneOf("where", flag("MIN"), flag("MAX")),
      optional(token("COUNT", integer("count"))),
    ],
  },
  zmscore: { arguments: [key(0), many(string("member"))] },
  zpopmax: { arguments: [key(0), optional(integer("count"))] },
  zpopmin: { arguments: [key(0), optional(integer("count"))] },
  zrandmember: {
    arguments: [key(0), optional(block("options", integer("count"), optional(flag("WITHSCORES"))))],
  },
  zrange: {
    arguments: [
      key(0),
      string("start"),
      string("stop"),
      since("6.2.0", optional(oneOf("sortby", flag("BYSCORE"), flag("BYLEX")))),
      since("6.2.0", optional(flag("REV"))),
      since("6.2.0", optional(token("LIMIT", block("offset_count", integer("offset"), integer("count"))))),
      optional(flag("WITHSCORES")),
    ],
    history: [["6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."]],
  },
  zrangebylex: {
    arguments: [
      key(0),
      string("min"),
      string("max"),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
    ],
  },
  zrangebyscore: {
    arguments: [
      key(0),
      double("min"),
      double("max"),
      since("2.0.0", optional(flag("WITHSCORES"))),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
    ],
    history: [["2.0.0", "Added the `WITHSCORES` modifier."]],
  },
  zrangestore: {
    arguments: [
      key(0, "dst"),
      key(1, "src"),
      string("min"),
      string("max"),
      optional(oneOf("sortby", flag("BYSCORE"), flag("BYLEX"))),
      optional(flag("REV")),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
    ],
  },
  zrank: {
    arguments: [key(0), string("member"), since("7.2.0", optional(flag("WITHSCORE")))],
    history: [["7.2.0", "Added the optional `WITHSCORE` argument."]],
  },
  zrem: { arguments: [key(0), many(string("member"))], history: [["2.4.0", "Accepts multiple elements."]] },
  zremrangebylex: { arguments: [key(0), string("min"), string("max")] },
  zremrangebyrank: { arguments: [key(0), integer("start"), integer("stop")] },
  zremrangebyscore: { arguments: [key(0), double("min"), double("max")] },
  zrevrange: { arguments: [key(0), integer("start"), integer("stop"), optional(flag("WITHSCORES"))] },
  zrevrangebylex: {
    arguments: [
      key(0),
      string("max"),
      string("min"),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
    ],
  },
  zrevrangebyscore: {
    arguments: [
      key(0),
      double("max"),
      double("min"),
      optional(flag("WITHSCORES")),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
    ],
    history: [["2.1.6", "`min` and `max` can be exclusive."]],
  },
  zrevrank: {
    arguments: [key(0), string("member"), since("7.2.0", optional(flag("WITHSCORE")))],
    history: [["7.2.0", "Added the optional `WITHSCORE` argument."]],
  },
  zscan: {
    arguments: [
      key(0),
      integer("cursor"),
      optional(token("MATCH", pattern("pattern"))),
      optional(token("COUNT", integer("count"))),
    ],
  },
  zscore: { arguments: [key(0), string("member")] },
  zunion: {
    arguments: [
      integer("numkeys"),
      many(key(0)),
      optional(many(token("WEIGHTS", integer("weight")))),
      optional(token("AGGREGATE", oneOf("aggregate", flag("SUM"), flag("MIN"), flag("MAX")))),
      optional(flag("WITHSCORES")),
    ],
  },
  zunionstore: {
    arguments: [
      key(0, "destination"),
      integer("numkeys"),
      many(key(1)),
      optional(many(token("WEIGHTS", integer("weight")))),
      optional(token("AGGREGATE", oneOf("aggregate", flag("SUM"), flag("MIN"), flag("MAX")))),
    ],
  },
};
