/** The commands that redis has not, in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { scheduleCommands } from "./schedule.ts";
import { pastCommands } from "./past.ts";

export const troikaStreamCommands: CommandRows = inGroup("stream", ["stream"], scheduleCommands);
export const troikaChannelCommands: CommandRows = inGroup("pubsub", [], pastCommands);
