/** The generic commands in their order, with the rows of those that are not implemented. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { copyCommand } from "./copy.ts";
import { delCommands } from "./del.ts";
import { migrateCommand } from "../dump/migrate.ts";
import { dumpCommand } from "../dump/dump.ts";
import { existsCommands } from "./exists.ts";
import { expireCommands } from "./expire.ts";
import { keysCommand } from "./keys.ts";
import { moveCommand } from "./move.ts";
import { objectCommand } from "./object.ts";
import { persistCommand } from "./persist.ts";
import { randomkeyCommand } from "./randomkey.ts";
import { renameCommands } from "./rename.ts";
import { restoreCommand } from "../dump/restore.ts";
import { scanCommand } from "./scan.ts";
import { sortCommands } from "./sort/sort.ts";
import { ttlCommands } from "./ttl.ts";
import { typeCommand } from "./type.ts";
import { waitaofCommand, waitCommand } from "./wait.ts";

export const genericCommands: CommandRows = inGroup(
  "generic",
  ["keyspace"],
  [
    copyCommand,
    ...delCommands,
    dumpCommand,
    ...existsCommands,
    ...expireCommands,
    ...ttlCommands,
    keysCommand,
    migrateCommand,
    moveCommand,
    objectCommand,
    persistCommand,
    randomkeyCommand,
    ...renameCommands,
    restoreCommand,
    scanCommand,
    ...sortCommands,
    typeCommand,
    waitCommand,
    waitaofCommand,
  ],
);
