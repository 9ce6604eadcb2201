/** The server commands in their order, with the rows of those that are not implemented. core/command-spec.ts explains the fields. */
import { restore } from "../dump/restore.ts";
import { inGroup, oneKey, type CommandRows } from "../core/command-spec.ts";
import { commandCommand } from "./command.ts";
import { configCommand } from "./config.ts";
import { debugCommand } from "./debug.ts";
import { dbsizeCommand } from "./dbsize.ts";
import { flushCommands } from "./flush.ts";
import { infoCommand } from "./info.ts";
import { memoryCommand } from "../memory/memory.ts";
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
      run: restore,
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
    memoryCommand,
    moduleCommand,
    slowlogCommand,
  ],
);
