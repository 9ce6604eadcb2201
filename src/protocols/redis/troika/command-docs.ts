/** What COMMAND DOCS says about the arguments of commands that redis has not. */
import {
  block,
  flag,
  integer,
  key,
  many,
  oneOf,
  optional,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

const from = token("FROM", string("id-or-unix-ms"));

export const docs: CommandDocs = {
  "troika.subscribe": { arguments: [many(string("channel")), from, optional(flag("WITHID"))] },
  "troika.catchup": { arguments: [many(string("channel")), from] },
  "troika.history": {
    arguments: [string("channel"), optional(from), optional(token("COUNT", integer("count")))],
  },
  "troika.xadd": {
    arguments: [
      key(0),
      oneOf(
        "time",
        token("DELAY", integer("milliseconds")),
        token("DELIVERAT", integer("unix-time-milliseconds")),
      ),
      flag("*"),
      many(block("data", string("field"), string("value"))),
    ],
  },
  "troika.group": {
    arguments: [
      key(0),
      string("group"),
      optional(
        oneOf(
          "policy",
          block(
            "retry",
            token("MAXDELIVER", integer("deliveries")),
            optional(token("BACKOFF", integer("milliseconds"))),
            optional(token("FACTOR", string("factor"))),
            optional(token("MAX", integer("milliseconds"))),
            optional(token("JITTER", string("part"))),
            optional(token("DEADLETTER", string("key"))),
          ),
          flag("OFF"),
        ),
      ),
    ],
  },
  "troika.nack": {
    arguments: [
      key(0),
      string("group"),
      many(string("id")),
      optional(token("DELAY", integer("milliseconds"))),
      optional(token("REASON", string("text"))),
    ],
  },
  "troika.scheduled": {
    arguments: [
      key(0),
      optional(token("FROM", string("handle"))),
      optional(token("COUNT", integer("count"))),
    ],
  },
  "troika.cancel": { arguments: [key(0), many(string("handle"))] },
};
