/**
 * The one table of commands: everything that is said about a command, except what it does, is derived from here:
 * arity checks, COMMAND and its subcommands, ACL categories, keys. The facts are those of redis 7.0, and
 * `CLIENT SETINFO` of 7.2, which client libraries send.
 *
 * Not here: handlers. A session keeps its handlers by `spec.id`; a command without one is known but not there yet.
 * Invariant: `allCommands[spec.id] === spec`; names are unique, lower-case ASCII.
 */
import { bitmapCommands } from "../bitmap/table.ts";
import { clusterCommands } from "../cluster/table.ts";
import { connectionCommands } from "../connection/table.ts";
import { genericCommands } from "../keys/table.ts";
import { geoCommands } from "../geo/table.ts";
import { hashCommands } from "../hash/table.ts";
import { hyperloglogCommands } from "../hyperloglog/table.ts";
import { listCommands } from "../list/table.ts";
import { CommandLookup } from "./command-lookup.ts";
import { pubsubCommands } from "../pubsub/table.ts";
import { scriptingCommands } from "../script/table.ts";
import { serverContainersCommands } from "../server/table-containers.ts";
import { serverCommands } from "../server/table.ts";
import { setCommands } from "../set/table.ts";
import { sortedSetCommands } from "../zset/table.ts";
import { makeSpecs, type CommandSpec } from "./command-spec.ts";
import { streamCommands } from "../stream/table.ts";
import { stringCommands } from "../string/table.ts";
import { transactionsCommands } from "../transaction/table.ts";

/** Every command and subcommand, by id. */
export const allCommands: readonly CommandSpec[] = makeSpecs([
  stringCommands,
  genericCommands,
  streamCommands,
  pubsubCommands,
  connectionCommands,
  transactionsCommands,
  serverCommands,
  serverContainersCommands,
  hashCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  scriptingCommands,
  bitmapCommands,
  hyperloglogCommands,
  geoCommands,
  clusterCommands,
]);

/** The commands proper, without subcommands: what COMMAND counts and lists. */
export const topLevelCommands: readonly CommandSpec[] = allCommands.filter(
  (spec) => spec.container === undefined,
);

export const commandLookup = new CommandLookup(allCommands);
