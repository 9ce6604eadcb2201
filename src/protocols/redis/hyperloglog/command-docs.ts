/** What COMMAND DOCS says about the arguments of HyperLogLog commands, implemented or not, and about what they were before. */
import { key, many, optional, string, type CommandDocs } from "../core/command-docs.ts";

export const docs: CommandDocs = {
  pfadd: { arguments: [key(0), optional(many(string("element")))] },
  pfcount: { arguments: [many(key(0))] },
  pfdebug: { arguments: [string("subcommand"), key(0)] },
  pfmerge: { arguments: [key(0, "destkey"), many(key(1, "sourcekey"))] },
};
