/** The commands that redis has not, in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { retryCommands } from "./retry.ts";
import { scheduleCommands } from "./schedule.ts";
import { pastCommands } from "./past.ts";

export const troikaStreamCommands: CommandRows = inGroup(
  "stream",
  ["stream"],
  [...retryCommands, ...scheduleCommands],
);
export const troikaChannelCommands: CommandRows = inGroup("pubsub", [], pastCommands);
