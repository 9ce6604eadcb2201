/** What COMMAND DOCS says about the arguments of hash commands, implemented or not, and about what they were before. */
import {
  block,
  double,
  flag,
  integer,
  key,
  many,
  optional,
  pattern,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  hdel: {
    arguments: [key(0), many(string("field"))],
    history: [["2.4.0", "Accepts multiple `field` arguments."]],
  },
  hexists: { arguments: [key(0), string("field")] },
  hget: { arguments: [key(0), string("field")] },
  hgetall: { arguments: [key(0)] },
  hincrby: { arguments: [key(0), string("field"), integer("increment")] },
  hincrbyfloat: { arguments: [key(0), string("field"), double("increment")] },
  hkeys: { arguments: [key(0)] },
  hlen: { arguments: [key(0)] },
  hmget: { arguments: [key(0), many(string("field"))] },
  hmset: { arguments: [key(0), many(block("field_value", string("field"), string("value")))] },
  hrandfield: {
    arguments: [key(0), optional(block("options", integer("count"), optional(flag("WITHVALUES"))))],
  },
  hscan: {
    arguments: [
      key(0),
      integer("cursor"),
      optional(token("MATCH", pattern("pattern"))),
      optional(token("COUNT", integer("count"))),
    ],
  },
  hset: {
    arguments: [key(0), many(block("field_value", string("field"), string("value")))],
    history: [["4.0.0", "Accepts multiple `field` and `value` arguments."]],
  },
  hsetnx: { arguments: [key(0), string("field"), string("value")] },
  hstrlen: { arguments: [key(0), string("field")] },
  hvals: { arguments: [key(0)] },
};
