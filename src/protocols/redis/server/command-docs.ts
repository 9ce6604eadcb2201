/** What COMMAND DOCS says about the arguments of server commands, implemented or not, and about what they were before. */
import {
  block,
  flag,
  integer,
  key,
  many,
  manyTokens,
  oneOf,
  optional,
  pattern,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  bgsave: {
    arguments: [since("3.2.2", optional(flag("SCHEDULE")))],
    history: [["3.2.2", "Added the `SCHEDULE` option."]],
  },
  "command|docs": { arguments: [optional(many(string("command-name")))] },
  "command|info": {
    arguments: [optional(many(string("command-name")))],
    history: [["7.0.0", "Allowed to be called with no argument to get info on all commands."]],
  },
  "command|list": {
    arguments: [
      optional(
        token(
          "FILTERBY",
          oneOf(
            "filterby",
            token("MODULE", string("module-name")),
            token("ACLCAT", string("category")),
            token("PATTERN", pattern("pattern")),
          ),
        ),
      ),
    ],
  },
  "config|get": {
    arguments: [many(block("parameter", string("parameter")))],
    history: [["7.0.0", "Added the ability to pass multiple pattern parameters in one call"]],
  },
  "config|set": {
    arguments: [many(block("parameter_value", string("parameter"), string("value")))],
    history: [["7.0.0", "Added the ability to set multiple parameters in one call."]],
  },
  failover: {
    arguments: [
      optional(token("TO", block("target", string("host"), integer("port"), optional(flag("FORCE"))))),
      optional(flag("ABORT")),
      optional(token("TIMEOUT", integer("milliseconds"))),
    ],
  },
  flushall: {
    arguments: [optional(oneOf("async", since("4.0.0", flag("ASYNC")), since("6.2.0", flag("SYNC"))))],
    history: [
      ["4.0.0", "Added the `ASYNC` flushing mode modifier."],
      ["6.2.0", "Added the `SYNC` flushing mode modifier."],
    ],
  },
  flushdb: {
    arguments: [optional(oneOf("async", since("4.0.0", flag("ASYNC")), since("6.2.0", flag("SYNC"))))],
    history: [
      ["4.0.0", "Added the `ASYNC` flushing mode modifier."],
      ["6.2.0", "Added the `SYNC` flushing mode modifier."],
    ],
  },
  info: {
    arguments: [optional(many(string("section")))],
    history: [["7.0.0", "Added support for taking multiple section arguments."]],
  },
  "latency|graph": { arguments: [string("event")] },
  "latency|histogram": { arguments: [optional(many(string("command")))] },
  "latency|history": { arguments: [string("event")] },
  "latency|reset": { arguments: [optional(many(string("event")))] },
  lolwut: { arguments: [optional(token("VERSION", integer("version")))] },
  "memory|usage": { arguments: [key(0), optional(token("SAMPLES", integer("count")))] },
  "module|load": { arguments: [string("path"), optional(many(string("arg")))] },
  "module|loadex": {
    arguments: [
      string("path"),
      optional(manyTokens(token("CONFIG", block("configs", string("name"), string("value"))))),
      optional(many(token("ARGS", block("args", string("arg"))))),
    ],
  },
  "module|unload": { arguments: [string("name")] },
  psync: { arguments: [string("replicationid"), integer("offset")] },
  replicaof: {
    arguments: [
      oneOf(
        "args",
        block("host-port", string("host"), integer("port")),
        block("no-one", flag("NO"), flag("ONE")),
      ),
    ],
  },
  "restore-asking": {
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
  shutdown: {
    arguments: [
      optional(oneOf("nosave_save", flag("NOSAVE"), flag("SAVE"))),
      since("7.0.0", optional(flag("NOW"))),
      since("7.0.0", optional(flag("FORCE"))),
      since("7.0.0", optional(flag("ABORT"))),
    ],
    history: [["7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."]],
  },
  slaveof: {
    arguments: [
      oneOf(
        "args",
        block("host-port", string("host"), integer("port")),
        block("no-one", flag("NO"), flag("ONE")),
      ),
    ],
  },
  "slowlog|get": {
    arguments: [optional(integer("count"))],
    history: [["4.0.0", "Added client IP address, port and name to the reply."]],
  },
  swapdb: { arguments: [integer("index1"), integer("index2")] },
};
