/** What COMMAND DOCS says about the arguments of connection commands, implemented or not, and about what they were before. */
import {
  block,
  deprecated,
  flag,
  integer,
  many,
  manyTokens,
  oneOf,
  optional,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  auth: {
    arguments: [since("6.0.0", optional(string("username"))), string("password")],
    history: [["6.0.0", "Added ACL style (username and password)."]],
  },
  "client|caching": { arguments: [oneOf("mode", flag("YES"), flag("NO"))] },
  "client|kill": {
    arguments: [
      oneOf(
        "filter",
        deprecated("2.8.12", string("ip:port")),
        many(
          oneOf(
            "new-format",
            since("2.8.12", optional(token("ID", integer("client-id")))),
            since(
              "2.8.12",
              optional(
                token(
                  "TYPE",
                  oneOf(
                    "normal_master_slave_pubsub",
                    flag("NORMAL"),
                    since("3.2.0", flag("MASTER")),
                    flag("SLAVE"),
                    since("5.0.0", flag("REPLICA")),
                    flag("PUBSUB"),
                  ),
                ),
              ),
            ),
            optional(token("USER", string("username"))),
            optional(token("ADDR", string("ip:port"))),
            since("6.2.0", optional(token("LADDR", string("ip:port")))),
            optional(token("SKIPME", oneOf("skipme", flag("YES"), flag("NO")))),
            since("7.4.0", optional(token("MAXAGE", integer("maxage")))),
          ),
        ),
      ),
    ],
    history: [
      ["2.8.12", "Added new filter format."],
      ["2.8.12", "`ID` option."],
      ["3.2.0", "Added `master` type in for `TYPE` option."],
      [
        "5.0.0",
        "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.",
      ],
      ["6.2.0", "`LADDR` option."],
      ["7.4.0", "`MAXAGE` option."],
    ],
  },
  "client|list": {
    arguments: [
      since(
        "5.0.0",
        optional(
          token(
            "TYPE",
            oneOf(
              "normal_master_replica_pubsub",
              flag("NORMAL"),
              flag("MASTER"),
              flag("REPLICA"),
              flag("PUBSUB"),
            ),
          ),
        ),
      ),
      since("6.2.0", optional(token("ID", block("id", many(integer("client-id")))))),
    ],
    history: [
      ["2.8.12", "Added unique client `id` field."],
      ["5.0.0", "Added optional `TYPE` filter."],
      ["6.0.0", "Added `user` field."],
      ["6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."],
      ["7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."],
      ["7.0.3", "Added `ssub` field."],
      ["7.2.0", "Added `lib-name` and `lib-ver` fields."],
      ["7.4.0", "Added `watch` field."],
    ],
  },
  "client|no-evict": { arguments: [oneOf("enabled", flag("ON"), flag("OFF"))] },
  "client|no-touch": { arguments: [oneOf("enabled", flag("ON"), flag("OFF"))] },
  "client|pause": {
    arguments: [integer("timeout"), since("6.2.0", optional(oneOf("mode", flag("WRITE"), flag("ALL"))))],
    history: [["6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."]],
  },
  "client|reply": { arguments: [oneOf("on_off_skip", flag("ON"), flag("OFF"), flag("SKIP"))] },
  "client|setinfo": {
    arguments: [oneOf("attr", token("LIB-NAME", string("libname")), token("LIB-VER", string("libver")))],
  },
  "client|setname": { arguments: [string("connection-name")] },
  "client|tracking": {
    arguments: [
      oneOf("status", flag("ON"), flag("OFF")),
      optional(token("REDIRECT", integer("client-id"))),
      optional(manyTokens(token("PREFIX", string("prefix")))),
      optional(flag("BCAST")),
      optional(flag("OPTIN")),
      optional(flag("OPTOUT")),
      optional(flag("NOLOOP")),
    ],
  },
  "client|unblock": {
    arguments: [integer("client-id"), optional(oneOf("timeout_error", flag("TIMEOUT"), flag("ERROR")))],
  },
  echo: { arguments: [string("message")] },
  hello: {
    arguments: [
      optional(
        block(
          "arguments",
          integer("protover"),
          optional(token("AUTH", block("username_password", string("username"), string("password")))),
          optional(token("SETNAME", string("clientname"))),
        ),
      ),
    ],
    history: [
      [
        "6.2.0",
        "`protover` made optional; when called without arguments the command reports the current connection's context.",
      ],
    ],
  },
  ping: { arguments: [optional(string("message"))] },
  select: { arguments: [integer("index")] },
};
