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
  "troika.scheduled": {
    arguments: [
      key(0),
      optional(token("FROM", string("handle"))),
      optional(token("COUNT", integer("count"))),
    ],
  },
  "troika.cancel": { arguments: [key(0), many(string("handle"))] },
};
