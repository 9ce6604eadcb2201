/**
 * The CLUSTER commands that change a cluster: its nodes, and who has which slot. This cluster is one node that owns all slots, and
 * stays so. What redis refuses such a node, or does without any effect, is answered as redis answers it. What would change the
 * cluster is refused with the reason.
 */
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { subcommandSyntaxError } from "../core/help.ts";
import { RedisError, syntaxError, wrongArity } from "../core/errors.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { assertThisNode, inCluster } from "./in-cluster.ts";
import { slotCount } from "./key-slot.ts";

export const steeringCommands: readonly CommandRow[] = [
  {
    name: "addslots",
    arity: -3,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(N), N slots",
    summary: "Gives slots to this node.",
    run: inCluster(addSlots),
  },
  {
    name: "addslotsrange",
    arity: -4,
    flags: ["admin", "stale", "no_async_loading"],
    since: "7.0.0",
    complexity: "O(N), N slots in the ranges",
    summary: "Gives ranges of slots to this node.",
    run: inCluster(addSlotsRange),
  },
  {
    name: "bumpepoch",
    arity: 2,
    flags: ["admin", "stale", "no_async_loading"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Advances the configuration epoch.",
    run: inCluster(refuse),
  },
  {
    name: "delslots",
    arity: -3,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(N), N slots",
    summary: "Takes slots from this node.",
    run: inCluster(refuse),
  },
  {
    name: "delslotsrange",
    arity: -4,
    flags: ["admin", "stale", "no_async_loading"],
    since: "7.0.0",
    complexity: "O(N), N slots in the ranges",
    summary: "Takes ranges of slots from this node.",
    run: inCluster(refuse),
  },
  {
    name: "failover",
    arity: -2,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Makes this replica take over from its primary.",
    run: inCluster(failover),
  },
  {
    name: "flushslots",
    arity: 2,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Takes all slots from this node.",
    run: inCluster(refuse),
  },
  {
    name: "forget",
    arity: 3,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Drops a node from the list of known nodes.",
    run: inCluster(forget),
  },
  {
    name: "meet",
    arity: -4,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Joins this node with another one.",
    run: inCluster(refuse),
  },
  {
    name: "replicate",
    arity: 3,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Makes this node a replica of another.",
    run: inCluster(replicate),
  },
  {
    name: "reset",
    arity: -2,
    flags: ["admin", "noscript", "stale"],
    since: "3.0.0",
    complexity: "O(N), N known nodes",
    summary: "Makes this node forget the cluster.",
    run: inCluster(refuse),
  },
  {
    name: "saveconfig",
    arity: 2,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Writes the cluster's state to disk.",
    run: inCluster(saveConfig),
  },
  {
    name: "set-config-epoch",
    arity: 3,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Sets the configuration epoch of a fresh node.",
    run: inCluster(refuse),
  },
  {
    name: "setslot",
    arity: -4,
    flags: ["admin", "stale", "no_async_loading"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Binds a slot to a node or marks it as moving.",
    run: inCluster(refuse),
  },
];

function refuse({ request }: CommandContext): void {
  const name = request.utf8(1).toUpperCase();
  throw new RedisError(
    `ERR CLUSTER ${name} is refused: this cluster is one node that owns all slots, and stays so`,
  );
}

function slotAt({ request }: CommandContext, index: number): number {
  const slot = request.integer(index);
  if (!(slot >= 0 && slot < slotCount)) throw new RedisError("ERR Invalid or out of range slot");
  return slot;
}

function busy(slot: number): RedisError {
  return new RedisError(`ERR Slot ${slot} is already busy`);
}

function addSlots(context: CommandContext): void {
  for (let index = 2; index < context.request.argumentCount; index++) slotAt(context, index);
  throw busy(slotAt(context, 2));
}

function addSlotsRange(context: CommandContext): void {
  const { argumentCount } = context.request;
  if (argumentCount % 2 === 1) throw wrongArity("cluster|addslotsrange");
  for (let index = 2; index < argumentCount; index += 2) {
    const from = slotAt(context, index);
    const to = slotAt(context, index + 1);
    if (from > to)
      throw new RedisError(`ERR start slot number ${from} is greater than end slot number ${to}`);
  }
  throw busy(slotAt(context, 2));
}

function failover(context: CommandContext): void {
  const { request } = context;
  if (request.argumentCount > 3) throw subcommandSyntaxError(context);
  if (request.argumentCount === 3 && !request.is(2, "FORCE") && !request.is(2, "TAKEOVER"))
    throw syntaxError();
  throw new RedisError("ERR You should send CLUSTER FAILOVER to a replica");
}

function forget(context: CommandContext, node: ClusterNode): void {
  assertThisNode(context, 2, node);
  throw new RedisError("ERR I tried hard but I can't forget myself...");
}

function replicate(context: CommandContext, node: ClusterNode): void {
  assertThisNode(context, 2, node);
  throw new RedisError("ERR Can't replicate myself");
}

/** The node's id is kept with the data, and nothing else of it can change. */
function saveConfig({ reply }: CommandContext): void {
  reply.ok();
}
