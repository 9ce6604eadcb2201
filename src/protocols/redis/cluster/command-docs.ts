/** What COMMAND DOCS says about the arguments of cluster commands, implemented or not, and about what they were before. */
import {
  block,
  flag,
  integer,
  many,
  oneOf,
  optional,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  "cluster|addslots": { arguments: [many(integer("slot"))] },
  "cluster|addslotsrange": {
    arguments: [many(block("start-slot_end-slot", integer("start-slot"), integer("end-slot")))],
  },
  "cluster|count-failure-reports": { arguments: [string("node-id")] },
  "cluster|countkeysinslot": { arguments: [integer("slot")] },
  "cluster|delslots": { arguments: [many(integer("slot"))] },
  "cluster|delslotsrange": {
    arguments: [many(block("start-slot_end-slot", integer("start-slot"), integer("end-slot")))],
  },
  "cluster|failover": { arguments: [optional(oneOf("options", flag("FORCE"), flag("TAKEOVER")))] },
  "cluster|forget": { arguments: [string("node-id")] },
  "cluster|getkeysinslot": { arguments: [integer("slot"), integer("count")] },
  "cluster|keyslot": { arguments: [string("key")] },
  "cluster|meet": {
    arguments: [string("ip"), integer("port"), since("4.0.0", optional(integer("cluster_bus_port")))],
    history: [["4.0.0", "Added the optional `cluster_bus_port` argument."]],
  },
  "cluster|replicas": { arguments: [string("node-id")] },
  "cluster|replicate": { arguments: [string("node-id")] },
  "cluster|reset": { arguments: [optional(oneOf("hard_soft", flag("HARD"), flag("SOFT")))] },
  "cluster|set-config-epoch": { arguments: [integer("config-epoch")] },
  "cluster|setslot": {
    arguments: [
      integer("slot"),
      oneOf(
        "subcommand",
        token("IMPORTING", string("node-id")),
        token("MIGRATING", string("node-id")),
        token("NODE", string("node-id")),
        flag("STABLE"),
      ),
    ],
  },
  "cluster|slaves": { arguments: [string("node-id")] },
  "cluster|slots": {
    history: [
      ["4.0.0", "Added node IDs."],
      ["7.0.0", "Added additional networking metadata field."],
    ],
  },
};
