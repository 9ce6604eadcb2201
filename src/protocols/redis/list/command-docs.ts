/** What COMMAND DOCS says about the arguments of list commands, implemented or not, and about what they were before. */
import {
  double,
  flag,
  integer,
  key,
  many,
  oneOf,
  optional,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  blmove: {
    arguments: [
      key(0, "source"),
      key(1, "destination"),
      oneOf("wherefrom", flag("LEFT"), flag("RIGHT")),
      oneOf("whereto", flag("LEFT"), flag("RIGHT")),
      double("timeout"),
    ],
  },
  blmpop: {
    arguments: [
      double("timeout"),
      integer("numkeys"),
      many(key(0)),
      oneOf("where", flag("LEFT"), flag("RIGHT")),
      optional(token("COUNT", integer("count"))),
    ],
  },
  blpop: {
    arguments: [many(key(0)), double("timeout")],
    history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  },
  brpop: {
    arguments: [many(key(0)), double("timeout")],
    history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  },
  brpoplpush: {
    arguments: [key(0, "source"), key(1, "destination"), double("timeout")],
    history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  },
  lindex: { arguments: [key(0), integer("index")] },
  linsert: {
    arguments: [key(0), oneOf("where", flag("BEFORE"), flag("AFTER")), string("pivot"), string("element")],
  },
  llen: { arguments: [key(0)] },
  lmove: {
    arguments: [
      key(0, "source"),
      key(1, "destination"),
      oneOf("wherefrom", flag("LEFT"), flag("RIGHT")),
      oneOf("whereto", flag("LEFT"), flag("RIGHT")),
    ],
  },
  lmpop: {
    arguments: [
      integer("numkeys"),
      many(key(0)),
      oneOf("where", flag("LEFT"), flag("RIGHT")),
      optional(token("COUNT", integer("count"))),
    ],
  },
  lpop: {
    arguments: [key(0), since("6.2.0", optional(integer("count")))],
    history: [["6.2.0", "Added the `count` argument."]],
  },
  lpos: {
    arguments: [
      key(0),
      string("element"),
      optional(token("RANK", integer("rank"))),
      optional(token("COUNT", integer("num-matches"))),
      optional(token("MAXLEN", integer("len"))),
    ],
  },
  lpush: {
    arguments: [key(0), many(string("element"))],
    history: [["2.4.0", "Accepts multiple `element` arguments."]],
  },
  lpushx: {
    arguments: [key(0), many(string("element"))],
    history: [["4.0.0", "Accepts multiple `element` arguments."]],
  },
  lrange: { arguments: [key(0), integer("start"), integer("stop")] },
  lrem: { arguments: [key(0), integer("count"), string("element")] },
  lset: { arguments: [key(0), integer("index"), string("element")] },
  ltrim: { arguments: [key(0), integer("start"), integer("stop")] },
  rpop: {
    arguments: [key(0), since("6.2.0", optional(integer("count")))],
    history: [["6.2.0", "Added the `count` argument."]],
  },
  rpoplpush: { arguments: [key(0, "source"), key(1, "destination")] },
  rpush: {
    arguments: [key(0), many(string("element"))],
    history: [["2.4.0", "Accepts multiple `element` arguments."]],
  },
  rpushx: {
    arguments: [key(0), many(string("element"))],
    history: [["4.0.0", "Accepts multiple `element` arguments."]],
  },
};
