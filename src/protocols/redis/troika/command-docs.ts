/** What COMMAND DOCS says about the arguments of commands that redis has not. */
import { flag, integer, many, optional, string, token, type CommandDocs } from "../core/command-docs.ts";

const from = token("FROM", string("id-or-unix-ms"));

export const docs: CommandDocs = {
  "troika.subscribe": { arguments: [many(string("channel")), from, optional(flag("WITHID"))] },
  "troika.catchup": { arguments: [many(string("channel")), from] },
  "troika.history": {
    arguments: [string("channel"), optional(from), optional(token("COUNT", integer("count")))],
  },
};
