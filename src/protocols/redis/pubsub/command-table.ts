/** The Pub/Sub commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { publishCommands } from "./publish.ts";
import { pubsubCommand } from "./pubsub.ts";
import { subscribeCommands } from "./subscribe.ts";
import { unsubscribeCommands } from "./unsubscribe.ts";

export const pubsubCommands: CommandRows = inGroup(
  "pubsub",
  [],
  [...subscribeCommands, ...publishCommands, pubsubCommand, ...unsubscribeCommands],
);
