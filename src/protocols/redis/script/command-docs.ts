/** What COMMAND DOCS says about the arguments of scripting commands, implemented or not, and about what they were before. */
import {
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
  eval: {
    arguments: [string("script"), integer("numkeys"), optional(many(key(0))), optional(many(string("arg")))],
  },
  eval_ro: {
    arguments: [string("script"), integer("numkeys"), optional(many(key(0))), optional(many(string("arg")))],
  },
  evalsha: {
    arguments: [string("sha1"), integer("numkeys"), optional(many(key(0))), optional(many(string("arg")))],
  },
  evalsha_ro: {
    arguments: [string("sha1"), integer("numkeys"), optional(many(key(0))), optional(many(string("arg")))],
  },
  fcall: {
    arguments: [
      string("function"),
      integer("numkeys"),
      optional(many(key(0))),
      optional(many(string("arg"))),
    ],
  },
  fcall_ro: {
    arguments: [
      string("function"),
      integer("numkeys"),
      optional(many(key(0))),
      optional(many(string("arg"))),
    ],
  },
  "function|delete": { arguments: [string("library-name")] },
  "function|flush": { arguments: [optional(oneOf("async", flag("ASYNC"), flag("SYNC")))] },
  "function|list": {
    arguments: [optional(token("LIBRARYNAME", string("library-name-pattern"))), optional(flag("WITHCODE"))],
  },
  "function|load": { arguments: [optional(flag("REPLACE")), string("function-code")] },
  "function|restore": {
    arguments: [
      string("serialized-value"),
      optional(oneOf("policy", flag("FLUSH"), flag("APPEND"), flag("REPLACE"))),
    ],
  },
  "script|debug": { arguments: [oneOf("mode", flag("YES"), flag("SYNC"), flag("NO"))] },
  "script|exists": { arguments: [many(string("sha1"))] },
  "script|flush": {
    arguments: [since("6.2.0", optional(oneOf("async", flag("ASYNC"), flag("SYNC"))))],
    history: [["6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers."]],
  },
  "script|load": { arguments: [string("script")] },
};
