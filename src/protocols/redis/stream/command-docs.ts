/** What COMMAND DOCS says about the arguments of stream commands, implemented or not, and about what they were before. */
import {
  block,
  flag,
  integer,
  key,
  many,
  oneOf,
  optional,
  since,
  string,
  token,
  unixTime,
  type CommandDocs,
} from "../core/command-docs.ts";

/** Of redis 8.2. */
const references = optional(oneOf("condition", flag("KEEPREF"), flag("DELREF"), flag("ACKED")));
const ids = token("IDS", block("ids", integer("numids"), many(string("id"))));

export const docs: CommandDocs = {
  xackdel: { arguments: [key(0), string("group"), references, ids] },
  xack: { arguments: [key(0), string("group"), many(string("id"))] },
  xadd: {
    arguments: [
      key(0),
      since("6.2.0", optional(flag("NOMKSTREAM"))),
      since("8.2.0", references),
      optional(
        block(
          "trim",
          oneOf("strategy", flag("MAXLEN"), since("6.2.0", flag("MINID"))),
          optional(oneOf("operator", flag("=", "equal"), flag("~", "approximately"))),
          string("threshold"),
          since("6.2.0", optional(token("LIMIT", integer("count")))),
        ),
      ),
      oneOf("id_or_auto", flag("*", "auto_id"), string("id")),
      many(block("field_value", string("field"), string("value"))),
    ],
    history: [
      ["6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."],
      ["7.0.0", "Added support for the `<ms>-*` explicit ID form."],
    ],
  },
  xautoclaim: {
    arguments: [
      key(0),
      string("group"),
      string("consumer"),
      string("min-idle-time"),
      string("start"),
      optional(token("COUNT", integer("count"))),
      optional(flag("JUSTID")),
    ],
    history: [
      [
        "7.0.0",
        "Added an element to the reply array, containing deleted entries the command cleared from the PEL",
      ],
    ],
  },
  xclaim: {
    arguments: [
      key(0),
      string("group"),
      string("consumer"),
      string("min-idle-time"),
      many(string("id")),
      optional(token("IDLE", integer("ms"))),
      optional(token("TIME", unixTime("unix-time-milliseconds"))),
      optional(token("RETRYCOUNT", integer("count"))),
      optional(flag("FORCE")),
      optional(flag("JUSTID")),
      optional(token("LASTID", string("id"))),
    ],
  },
  xdelex: { arguments: [key(0), references, ids] },
  xdel: { arguments: [key(0), many(string("id"))] },
  "xgroup|create": {
    arguments: [
      key(0),
      string("groupname"),
      oneOf("id", string("id"), flag("$", "new_id")),
      optional(flag("MKSTREAM")),
      optional(token("ENTRIESREAD", integer("entries_read"))),
    ],
    history: [["7.0.0", "Added the `entries_read` named argument."]],
  },
  "xgroup|createconsumer": { arguments: [key(0), string("groupname"), string("consumername")] },
  "xgroup|delconsumer": { arguments: [key(0), string("groupname"), string("consumername")] },
  "xgroup|destroy": { arguments: [key(0), string("groupname")] },
  "xgroup|setid": {
    arguments: [
      key(0),
      string("groupname"),
      oneOf("id", string("id"), flag("$", "new_id")),
      optional(token("ENTRIESREAD", integer("entries_read"))),
    ],
    history: [["7.0.0", "Added the optional `entries_read` argument."]],
  },
  "xinfo|consumers": { arguments: [key(0), string("groupname")] },
  "xinfo|groups": { arguments: [key(0)], history: [["7.0.0", "Added the `entries-read` and `lag` fields"]] },
  "xinfo|stream": {
    arguments: [key(0), optional(token("FULL", block("full", optional(token("COUNT", integer("count"))))))],
    history: [
      ["6.0.0", "Added the `FULL` modifier."],
      [
        "7.0.0",
        "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag` fields",
      ],
    ],
  },
  xlen: { arguments: [key(0)] },
  xpending: {
    arguments: [
      key(0),
      string("group"),
      optional(
        block(
          "filters",
          since("6.2.0", optional(token("IDLE", integer("min-idle-time")))),
          string("start"),
          string("end"),
          integer("count"),
          optional(string("consumer")),
        ),
      ),
    ],
    history: [["6.2.0", "Added the `IDLE` option and exclusive range intervals."]],
  },
  xrange: {
    arguments: [key(0), string("start"), string("end"), optional(token("COUNT", integer("count")))],
    history: [["6.2.0", "Added exclusive ranges."]],
  },
  xread: {
    arguments: [
      optional(token("COUNT", integer("count"))),
      optional(token("BLOCK", integer("milliseconds"))),
      token("STREAMS", block("streams", many(key(0)), many(string("id")))),
    ],
  },
  xreadgroup: {
    arguments: [
      token("GROUP", block("group_consumer", string("group"), string("consumer"))),
      optional(token("COUNT", integer("count"))),
      optional(token("BLOCK", integer("milliseconds"))),
      since("8.4.0", optional(token("CLAIM", integer("min-idle-time")))),
      optional(flag("NOACK")),
      token("STREAMS", block("streams", many(key(0)), many(string("id")))),
    ],
  },
  xrevrange: {
    arguments: [key(0), string("end"), string("start"), optional(token("COUNT", integer("count")))],
    history: [["6.2.0", "Added exclusive ranges."]],
  },
  xsetid: {
    arguments: [
      key(0),
      string("last-id"),
      since("7.0.0", optional(token("ENTRIESADDED", integer("entries_added")))),
      since("7.0.0", optional(token("MAXDELETEDID", string("max_deleted_entry_id")))),
    ],
    history: [["7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments."]],
  },
  xtrim: {
    arguments: [
      key(0),
      block(
        "trim",
        oneOf("strategy", flag("MAXLEN"), since("6.2.0", flag("MINID"))),
        optional(oneOf("operator", flag("=", "equal"), flag("~", "approximately"))),
        string("threshold"),
        since("6.2.0", optional(token("LIMIT", integer("count")))),
        since("8.2.0", references),
      ),
    ],
    history: [["6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."]],
  },
};
