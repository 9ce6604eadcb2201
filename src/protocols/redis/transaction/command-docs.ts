/** What COMMAND DOCS says about the arguments of transaction commands, implemented or not, and about what they were before. */
import { key, many, type CommandDocs } from "../core/command-docs.ts";

export const docs: CommandDocs = {
  watch: { arguments: [many(key(0))] },
};
