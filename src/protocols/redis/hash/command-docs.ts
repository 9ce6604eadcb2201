/** What COMMAND DOCS says about the arguments of hash commands, implemented or not, and about what they were before. */
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
  unixTime,
  type CommandArgument,
  type CommandDocs,
} from "../core/command-docs.ts";

const fields = token("FIELDS", block("fields", integer("numfields"), many(string("field"))));
const condition = optional(oneOf("condition", flag("NX"), flag("XX"), flag("GT"), flag("LT")));

function expiration(other: string): CommandArgument {
  return optional(
    oneOf(
      "expiration",
      token("EX", integer("seconds")),
      token("PX", integer("milliseconds")),
      token("EXAT", unixTime("unix-time-seconds")),
      token("PXAT", unixTime("unix-time-milliseconds")),
      flag(other),
    ),
  );
}

export const docs: CommandDocs = {
  hdel: {
    arguments: [key(0), many(string("field"))],
    history: [["2.4.0", "Accepts multiple `field` arguments."]],
  },
  hexists: { arguments: [key(0), string("field")] },
  hexpire: { arguments: [key(0), integer("seconds"), condition, fields] },
  hexpireat: { arguments: [key(0), unixTime("unix-time-seconds"), condition, fields] },
  hexpiretime: { arguments: [key(0), fields] },
  hget: { arguments: [key(0), string("field")] },
  hgetall: { arguments: [key(0)] },
  hgetdel: { arguments: [key(0), fields] },
  hgetex: { arguments: [key(0), expiration("PERSIST"), fields] },
  hincrby: { arguments: [key(0), string("field"), integer("increment")] },
  hincrbyfloat: { arguments: [key(0), string("field"), double("increment")] },
  hkeys: { arguments: [key(0)] },
  hlen: { arguments: [key(0)] },
  hmget: { arguments: [key(0), many(string("field"))] },
  hmset: { arguments: [key(0), many(block("field_value", string("field"), string("value")))] },
  hpersist: { arguments: [key(0), fields] },
  hpexpire: { arguments: [key(0), integer("milliseconds"), condition, fields] },
  hpexpireat: { arguments: [key(0), unixTime("unix-time-milliseconds"), condition, fields] },
  hpexpiretime: { arguments: [key(0), fields] },
  hpttl: { arguments: [key(0), fields] },
  hrandfield: {
    arguments: [key(0), optional(block("options", integer("count"), optional(flag("WITHVALUES"))))],
  },
  hscan: {
    arguments: [
      key(0),
      integer("cursor"),
      optional(token("MATCH", pattern("pattern"))),
      optional(token("COUNT", integer("count"))),
      since("7.4.0", optional(flag("NOVALUES"))),
    ],
    history: [["7.4.0", "Added the `NOVALUES` flag."]],
  },
  hset: {
    arguments: [key(0), many(block("field_value", string("field"), string("value")))],
    history: [["4.0.0", "Accepts multiple `field` and `value` arguments."]],
  },
  hsetex: {
    arguments: [
      key(0),
      optional(oneOf("condition", flag("FNX"), flag("FXX"))),
      expiration("KEEPTTL"),
      token(
        "FIELDS",
        block("fields", integer("numfields"), many(block("data", string("field"), string("value")))),
      ),
    ],
  },
  hsetnx: { arguments: [key(0), string("field"), string("value")] },
  hstrlen: { arguments: [key(0), string("field")] },
  httl: { arguments: [key(0), fields] },
  hvals: { arguments: [key(0)] },
};
