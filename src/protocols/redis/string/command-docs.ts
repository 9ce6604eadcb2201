/** What COMMAND DOCS says about the arguments of string commands, implemented or not, and about what they were before. */
import {
  block,
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
  unixTime,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  append: { arguments: [key(0), string("value")] },
  decr: { arguments: [key(0)] },
  decrby: { arguments: [key(0), integer("decrement")] },
  get: { arguments: [key(0)] },
  getdel: { arguments: [key(0)] },
  getex: {
    arguments: [
      key(0),
      optional(
        oneOf(
          "expiration",
          token("EX", integer("seconds")),
          token("PX", integer("milliseconds")),
          token("EXAT", unixTime("unix-time-seconds")),
          token("PXAT", unixTime("unix-time-milliseconds")),
          flag("PERSIST"),
        ),
      ),
    ],
  },
  getrange: { arguments: [key(0), integer("start"), integer("end")] },
  getset: { arguments: [key(0), string("value")] },
  incr: { arguments: [key(0)] },
  incrby: { arguments: [key(0), integer("increment")] },
  incrbyfloat: { arguments: [key(0), double("increment")] },
  lcs: {
    arguments: [
      key(0, "key1"),
      key(0, "key2"),
      optional(flag("LEN")),
      optional(flag("IDX")),
      optional(token("MINMATCHLEN", integer("len"))),
      optional(flag("WITHMATCHLEN")),
    ],
  },
  mget: { arguments: [many(key(0))] },
  mset: { arguments: [many(block("key_value", key(0), string("value")))] },
  msetnx: { arguments: [many(block("key_value", key(0), string("value")))] },
  psetex: { arguments: [key(0), integer("milliseconds"), string("value")] },
  set: {
    arguments: [
      key(0),
      string("value"),
      since("2.6.12", optional(oneOf("condition", flag("NX"), flag("XX")))),
      since("6.2.0", optional(flag("GET"))),
      optional(
        oneOf(
          "expiration",
          since("2.6.12", token("EX", integer("seconds"))),
          since("2.6.12", token("PX", integer("milliseconds"))),
          since("6.2.0", token("EXAT", unixTime("unix-time-seconds"))),
          since("6.2.0", token("PXAT", unixTime("unix-time-milliseconds"))),
          since("6.0.0", flag("KEEPTTL")),
        ),
      ),
    ],
    history: [
      ["2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."],
      ["6.0.0", "Added the `KEEPTTL` option."],
      ["6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."],
      ["7.0.0", "Allowed the `NX` and `GET` options to be used together."],
    ],
  },
  setex: { arguments: [key(0), integer("seconds"), string("value")] },
  setnx: { arguments: [key(0), string("value")] },
  setrange: { arguments: [key(0), integer("offset"), string("value")] },
  strlen: { arguments: [key(0)] },
  substr: { arguments: [key(0), integer("start"), integer("end")] },
};
