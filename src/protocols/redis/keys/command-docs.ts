/** What COMMAND DOCS says about the arguments of generic commands, implemented or not, and about what they were before. */
import {
  block,
  flag,
  integer,
  key,
  many,
  manyTokens,
  ofKeyRule,
  oneOf,
  optional,
  pattern,
  since,
  string,
  token,
  unixTime,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  copy: {
    arguments: [
      key(0, "source"),
      key(1, "destination"),
      optional(token("DB", integer("destination-db"))),
      optional(flag("REPLACE")),
    ],
  },
  del: { arguments: [many(key(0))] },
  dump: { arguments: [key(0)] },
  exists: { arguments: [many(key(0))], history: [["3.0.3", "Accepts multiple `key` arguments."]] },
  expire: {
    arguments: [
      key(0),
      integer("seconds"),
      since("7.0.0", optional(oneOf("condition", flag("NX"), flag("XX"), flag("GT"), flag("LT")))),
    ],
    history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
  },
  expireat: {
    arguments: [
      key(0),
      unixTime("unix-time-seconds"),
      since("7.0.0", optional(oneOf("condition", flag("NX"), flag("XX"), flag("GT"), flag("LT")))),
    ],
    history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
  },
  expiretime: { arguments: [key(0)] },
  keys: { arguments: [pattern("pattern")] },
  migrate: {
    arguments: [
      string("host"),
      integer("port"),
      oneOf("key_or_empty_string", key(0), flag("", "empty_string")),
      integer("destination-db"),
      integer("timeout"),
      since("3.0.0", optional(flag("COPY"))),
      since("3.0.0", optional(flag("REPLACE"))),
      optional(
        oneOf(
          "authentication",
          since("4.0.7", optional(token("AUTH", string("password")))),
          since(
            "6.0.0",
            optional(token("AUTH2", block("username_password", string("username"), string("password")))),
          ),
        ),
      ),
      since("3.0.6", optional(many(token("KEYS", key(1))))),
    ],
    history: [
      ["3.0.0", "Added the `COPY` and `REPLACE` options."],
      ["3.0.6", "Added the `KEYS` option."],
      ["4.0.7", "Added the `AUTH` option."],
      ["6.0.0", "Added the `AUTH2` option."],
    ],
  },
  move: { arguments: [key(0), integer("db")] },
  "object|encoding": { arguments: [key(0)] },
  "object|freq": { arguments: [key(0)] },
  "object|idletime": { arguments: [key(0)] },
  "object|refcount": { arguments: [key(0)] },
  persist: { arguments: [key(0)] },
  pexpire: {
    arguments: [
      key(0),
      integer("milliseconds"),
      since("7.0.0", optional(oneOf("condition", flag("NX"), flag("XX"), flag("GT"), flag("LT")))),
    ],
    history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
  },
  pexpireat: {
    arguments: [
      key(0),
      unixTime("unix-time-milliseconds"),
      since("7.0.0", optional(oneOf("condition", flag("NX"), flag("XX"), flag("GT"), flag("LT")))),
    ],
    history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
  },
  pexpiretime: { arguments: [key(0)] },
  pttl: { arguments: [key(0)], history: [["2.8.0", "Added the -2 reply."]] },
  rename: { arguments: [key(0), key(1, "newkey")] },
  renamenx: {
    arguments: [key(0), key(1, "newkey")],
    history: [
      ["3.2.0", "The command no longer returns an error when source and destination names are the same."],
    ],
  },
  restore: {
    arguments: [
      key(0),
      integer("ttl"),
      string("serialized-value"),
      since("3.0.0", optional(flag("REPLACE"))),
      since("5.0.0", optional(flag("ABSTTL"))),
      since("5.0.0", optional(token("IDLETIME", integer("seconds")))),
      since("5.0.0", optional(token("FREQ", integer("frequency")))),
    ],
    history: [
      ["3.0.0", "Added the `REPLACE` modifier."],
      ["5.0.0", "Added the `ABSTTL` modifier."],
      ["5.0.0", "Added the `IDLETIME` and `FREQ` options."],
    ],
  },
  scan: {
    arguments: [
      integer("cursor"),
      optional(token("MATCH", pattern("pattern"))),
      optional(token("COUNT", integer("count"))),
      since("6.0.0", optional(token("TYPE", string("type")))),
    ],
    history: [["6.0.0", "Added the `TYPE` subcommand."]],
  },
  sort: {
    arguments: [
      key(0),
      optional(token("BY", ofKeyRule(1, pattern("pattern")))),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
      optional(manyTokens(token("GET", ofKeyRule(1, pattern("pattern"))))),
      optional(oneOf("order", flag("ASC"), flag("DESC"))),
      optional(flag("ALPHA", "sorting")),
      optional(token("STORE", key(2, "destination"))),
    ],
  },
  sort_ro: {
    arguments: [
      key(0),
      optional(token("BY", ofKeyRule(1, pattern("pattern")))),
      optional(token("LIMIT", block("offset_count", integer("offset"), integer("count")))),
      optional(manyTokens(token("GET", ofKeyRule(1, pattern("pattern"))))),
      optional(oneOf("order", flag("ASC"), flag("DESC"))),
      optional(flag("ALPHA", "sorting")),
    ],
  },
  touch: { arguments: [many(key(0))] },
  ttl: { arguments: [key(0)], history: [["2.8.0", "Added the -2 reply."]] },
  type: { arguments: [key(0)] },
  unlink: { arguments: [many(key(0))] },
  waitaof: { arguments: [integer("numlocal"), integer("numreplicas"), integer("timeout")] },
  wait: { arguments: [integer("numreplicas"), integer("timeout")] },
};
