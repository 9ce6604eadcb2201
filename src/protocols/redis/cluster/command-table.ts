/** The cluster commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRow, type CommandRows } from "../core/command-spec.ts";
import { clusterHelpCommand } from "./help.ts";
import { redirectionCommands } from "./redirection.ts";
import { slotCommands } from "./slots.ts";
import { steeringCommands } from "./steering.ts";
import { topologyCommands } from "./topology.ts";

const [asking, ...ofReplicas] = redirectionCommands;

/** The subcommands stand where they are about the same thing; redis lists them by name. */
const subcommands: readonly CommandRow[] = [
  ...steeringCommands,
  ...topologyCommands,
  ...slotCommands,
  clusterHelpCommand,
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

export const clusterCommands: CommandRows = inGroup(
  "cluster",
  [],
  [
    asking!,
    {
      name: "cluster",
      arity: -2,
      flags: [],
      since: "3.0.0",
      complexity: "Depends on the subcommand",
      summary: "Inspects and steers the cluster.",
      subcommands,
    },
    ...ofReplicas,
  ],
);
