/**
 * The one table of commands: everything that is said about a command, except what it does, is derived from here:
 * arity checks, COMMAND and its subcommands, ACL categories, keys. The facts are those of redis 7.0, and
 * `CLIENT SETINFO` of 7.2, which client libraries send.
 *
 * Not here: handlers. A session keeps its handlers by `spec.id`; a command without one is known but not there yet.
 * Invariant: `allCommands[spec.id] === spec`; names are unique, lower-case ASCII.
 */
import { bitmapCommands } from "./table-bitmap.ts";
import { clusterCommands } from "./table-cluster.ts";
import { connectionCommands } from "./table-connection.ts";
import { genericCommands } from "./table-generic.ts";
import { geoCommands } from "./table-geo.ts";
import { hashCommands } from "./table-hash.ts";
import { hyperloglogCommands } from "./table-hyperloglog.ts";
import { listCommands } from "./table-list.ts";
import { CommandLookup } from "./table-lookup.ts";
import { pubsubCommands } from "./table-pubsub.ts";
import { scriptingCommands } from "./table-scripting.ts";
import { serverContainersCommands } from "./table-server-containers.ts";
import { serverCommands } from "./table-server.ts";
import { setCommands } from "./table-set.ts";
import { sortedSetCommands } from "./table-sorted-set.ts";
import { makeSpecs, type CommandSpec } from "./table-spec.ts";
import { streamCommands } from "./table-stream.ts";
import { stringCommands } from "./table-string.ts";
import { transactionsCommands } from "./table-transactions.ts";

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
