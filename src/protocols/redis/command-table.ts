/**
 * The command table: all commands of all families, put together in one place.
 *
 * Each command's row stands beside its handler; FAMILY/command-table.ts lists the rows of a family, and those of commands that
 * are not implemented. The facts are those of redis 7.0, and `CLIENT SETINFO` of 7.2, which client libraries send. The table is
 * passed to `RedisServer`: core/ and the families look commands up there, so that none of them imports this module.
 */
import { aclCommands } from "./acl/command-table.ts";
import { bitmapCommands } from "./bitmap/command-table.ts";
import { clusterCommands } from "./cluster/command-table.ts";
import { connectionCommands } from "./connection/command-table.ts";
import type { CommandRows } from "./core/command-spec.ts";
import { CommandTable } from "./core/command-table.ts";
import { geoCommands } from "./geo/command-table.ts";
import { hashCommands } from "./hash/command-table.ts";
import { hyperloglogCommands } from "./hyperloglog/command-table.ts";
import { genericCommands } from "./keys/command-table.ts";
import { listCommands } from "./list/command-table.ts";
import { pubsubCommands } from "./pubsub/command-table.ts";
import { scriptingCommands } from "./script/command-table.ts";
import { serverCommands } from "./server/command-table.ts";
import { setCommands } from "./set/command-table.ts";
import { streamCommands } from "./stream/command-table.ts";
import { stringCommands } from "./string/command-table.ts";
import { transactionsCommands } from "./transaction/command-table.ts";
import { troikaChannelCommands, troikaStreamCommands } from "./troika/command-table.ts";
import { sortedSetCommands } from "./zset/command-table.ts";

export const commandFamilies: readonly CommandRows[] = [
  stringCommands,
  genericCommands,
  streamCommands,
  pubsubCommands,
  connectionCommands,
  transactionsCommands,
  aclCommands,
  serverCommands,
  hashCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  scriptingCommands,
  bitmapCommands,
  hyperloglogCommands,
  geoCommands,
  clusterCommands,
  troikaChannelCommands,
  troikaStreamCommands,
];

export const commandTable = new CommandTable(commandFamilies);
