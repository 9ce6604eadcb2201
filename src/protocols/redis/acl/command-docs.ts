/** What COMMAND DOCS says about the arguments of ACL commands, implemented or not, and about what they were before. */
import { flag, integer, many, oneOf, optional, string, type CommandDocs } from "../core/command-docs.ts";

export const docs: CommandDocs = {
  "acl|cat": { arguments: [optional(string("categoryname"))] },
  "acl|deluser": { arguments: [many(string("username"))] },
  "acl|dryrun": { arguments: [string("username"), string("command"), optional(many(string("arg")))] },
  "acl|genpass": { arguments: [optional(integer("bits"))] },
  "acl|getuser": {
    arguments: [string("username")],
    history: [
      ["6.2.0", "Added Pub/Sub channel patterns."],
      [
        "7.0.0",
        "Added selectors and changed the format of key and channel patterns from a list to their rule representation.",
      ],
    ],
  },
  "acl|log": { arguments: [optional(oneOf("operation", integer("count"), flag("RESET")))] },
  "acl|setuser": {
    arguments: [string("username"), optional(many(string("rule")))],
    history: [
      ["6.2.0", "Added Pub/Sub channel patterns."],
      ["7.0.0", "Added selectors and key based permissions."],
    ],
  },
};
