/** The server commands in their order, with the rows of those that are not implemented. core/command-spec.ts explains the fields. */
import { inGroup, oneKey, type CommandRows } from "../core/command-spec.ts";
import { commandCommand } from "./command.ts";
import { configCommand } from "./config.ts";
import { debugCommand } from "./debug.ts";
import { dbsizeCommand } from "./dbsize.ts";
import { flushCommands } from "./flush.ts";
import { infoCommand } from "./info.ts";
import { lolwutCommand } from "./lolwut.ts";
import { moduleCommand } from "./module.ts";
import { persistenceCommands } from "./persistence.ts";
import { replicationCommands } from "./replication.ts";
import { shutdownCommand } from "./shutdown.ts";
import { roleCommand } from "./role.ts";
import { monitorCommand } from "../observe/monitor.ts";
import { slowlogCommand } from "../observe/slowlog-commands.ts";
import { latencyCommand } from "../observe/latency.ts";
import { swapdbCommand } from "./swapdb.ts";
import { timeCommand } from "./time.ts";

export const serverCommands: CommandRows = inGroup(
  "server",
  [],
  [
    persistenceCommands.bgrewriteaof,
    persistenceCommands.bgsave,
    dbsizeCommand,
    debugCommand,
    replicationCommands.failover,
    ...flushCommands,
    infoCommand,
    persistenceCommands.lastsave,
    lolwutCommand,
    monitorCommand,
    replicationCommands.psync,
    replicationCommands.replconf,
    replicationCommands.replicaof,
    {
      name: "restore-asking",
      arity: -4,
      flags: ["write", "denyoom", "asking"],
      categories: ["keyspace", "dangerous"],
      keys: [oneKey(1, "OW", "update")],
      since: "3.0.0",
      complexity: "O(N*M), N objects of M bytes on average",
      summary: "Makes a key from a serialized value while its slot is moving.",
      internal: true,
    },
    roleCommand,
    persistenceCommands.save,
    shutdownCommand,
    replicationCommands.slaveof,
    swapdbCommand,
    replicationCommands.sync,
    timeCommand,
    commandCommand,
    configCommand,
    latencyCommand,
    {
      name: "memory",
      arity: -2,
      flags: [],
      since: "4.0.0",
      complexity: "Depends on the subcommand",
      summary: "Shows what memory is used for.",
      subcommands: [
        {
          name: "doctor",
          arity: 2,
          flags: [],
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
          since: "4.0.0",
          complexity: "O(1)",
          summary: "Explains memory use in words.",
        },
        {
          name: "help",
          arity: 2,
          flags: ["loading", "stale"],
          since: "4.0.0",
          complexity: "O(1)",
          summary: "Lists the MEMORY subcommands.",
        },
        {
          name: "malloc-stats",
          arity: 2,
          flags: [],
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
          since: "4.0.0",
          complexity: "Depends on the memory in use",
          summary: "Shows the allocator's own figures.",
        },
        {
          name: "purge",
          arity: 2,
          flags: [],
          tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
          since: "4.0.0",
          complexity: "Depends on the memory in use",
          summary: "Asks the allocator to give memory back.",
        },
        {
          name: "stats",
          arity: 2,
          flags: [],
          tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
          since: "4.0.0",
          complexity: "O(1)",
          summary: "Shows memory use in numbers.",
        },
        {
          name: "usage",
          arity: -3,
          flags: ["readonly"],
          keys: [oneKey(2, "RO")],
          since: "4.0.0",
          complexity: "O(N), N samples",
          summary: "Estimates the memory of a key.",
        },
      ],
    },
    moduleCommand,
    slowlogCommand,
  ],
);
