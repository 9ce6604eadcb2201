/** The rows of the scripting commands. Data only; core/command-spec.ts explains the fields. */
import { evalCommands } from "./eval.ts";
import { functionCommand } from "./function/commands.ts";
import { fcallCommands } from "./function/fcall.ts";
import { scriptCommand } from "./script.ts";
import { inGroup, type CommandRows } from "../core/command-spec.ts";

export const scriptingCommands: CommandRows = inGroup(
  "scripting",
  ["scripting"],
  [...evalCommands, ...fcallCommands, functionCommand, scriptCommand],
);
