/** What COMMAND DOCS says about the arguments of Pub/Sub commands, implemented or not, and about what they were before. */
import { block, many, optional, pattern, string, type CommandDocs } from "../core/command-docs.ts";

export const docs: CommandDocs = {
  psubscribe: { arguments: [many(block("pattern", pattern("pattern")))] },
  publish: { arguments: [string("channel"), string("message")] },
  "pubsub|channels": { arguments: [optional(pattern("pattern"))] },
  "pubsub|numsub": { arguments: [optional(many(string("channel")))] },
  "pubsub|shardchannels": { arguments: [optional(pattern("pattern"))] },
  "pubsub|shardnumsub": { arguments: [optional(many(string("shardchannel")))] },
  punsubscribe: { arguments: [optional(many(pattern("pattern")))] },
  spublish: { arguments: [string("shardchannel"), string("message")] },
  ssubscribe: { arguments: [many(string("shardchannel"))] },
  subscribe: { arguments: [many(string("channel"))] },
  sunsubscribe: { arguments: [optional(many(string("shardchannel")))] },
  unsubscribe: { arguments: [optional(many(string("channel")))] },
};
