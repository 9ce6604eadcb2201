/** The connection commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { authCommand } from "./auth.ts";
import { clientCommand } from "./client.ts";
import { echoCommand } from "./echo.ts";
import { helloCommand } from "./hello.ts";
import { pingCommand } from "./ping.ts";
import { quitCommands } from "./quit.ts";
import { selectCommand } from "./select.ts";

export const connectionCommands: CommandRows = inGroup(
  "connection",
  ["connection"],
  [authCommand, clientCommand, echoCommand, helloCommand, pingCommand, ...quitCommands, selectCommand],
);
