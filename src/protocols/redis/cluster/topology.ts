/**
 * CLUSTER SLOTS      CLUSTER SHARDS      CLUSTER NODES      CLUSTER INFO      CLUSTER MYID      CLUSTER MYSHARDID
 * CLUSTER LINKS      CLUSTER REPLICAS node      CLUSTER SLAVES node      CLUSTER COUNT-FAILURE-REPORTS node
 *
 * What a cluster looks like that has one node, by which clients find their way. Each client is told the address by which it came,
 * or the one that is configured; a script, which has no connection, is refused where that would be needed.
 */
import { isAddress } from "../../../base/addresses.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { assertThisNode, inCluster } from "./in-cluster.ts";
import { slotCount } from "./key-slot.ts";

export const topologyCommands: readonly CommandRow[] = [
  {
    name: "count-failure-reports",
    arity: 3,
    flags: ["admin", "stale"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(N), N reports",
    summary: "Counts the reports that a node has failed.",
    run: inCluster(countFailureReports),
  },
  {
    name: "info",
    arity: 2,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Describes the state of the cluster.",
    run: inCluster(info),
  },
  {
    name: "links",
    arity: 2,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "7.0.0",
    complexity: "O(N), N nodes",
    summary: "Lists the links to other nodes.",
    run: inCluster(links),
  },
  {
    name: "myid",
    arity: 2,
    flags: ["stale"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Tells the id of this node.",
    run: inCluster(myId),
  },
  {
    name: "myshardid",
    arity: 2,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "7.2.0",
    complexity: "O(1)",
    summary: "Tells the id of this node's shard.",
    run: inCluster(myShardId),
  },
  {
    name: "nodes",
    arity: 2,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(N), N nodes",
    summary: "Lists the nodes in the form of the nodes file.",
    run: inCluster(nodes),
  },
  {
    name: "replicas",
    arity: 3,
    flags: ["admin", "stale"],
    tips: ["nondeterministic_output"],
    since: "5.0.0",
    complexity: "O(1)",
    summary: "Lists the replicas of a node.",
    run: inCluster(replicas),
  },
  {
    name: "shards",
    arity: 2,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "7.0.0",
    complexity: "O(N), N nodes",
    summary: "Lists shards with their slots and nodes.",
    run: inCluster(shards),
  },
  {
    name: "slaves",
    arity: 3,
    flags: ["admin", "stale"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Lists the replicas of a node, by its old name.",
    deprecated: { since: "5.0.0", replacedBy: "`CLUSTER REPLICAS`" },
    run: inCluster(replicas),
  },
  {
    name: "slots",
    arity: 2,
    flags: ["stale"],
    tips: ["nondeterministic_output"],
    since: "3.0.0",
    complexity: "O(N), N nodes",
    summary: "Lists ranges of slots with the nodes that serve them.",
    deprecated: { since: "7.0.0", replacedBy: "`CLUSTER SHARDS`" },
    run: inCluster(slots),
  },
];

/** Redis's bus between nodes is this far above the port for clients. There is none here; clients expect a port all the same. */
const busPortOffset = 10_000;
const portMax = 65_535;

function slots({ reply, client }: CommandContext, node: ClusterNode): void {
  const { host, ip, port } = node.addressFor(client.connection);
  reply.array(1);
  reply.array(3);
  reply.integer(0);
  reply.integer(slotCount - 1);
  reply.array(4);
  reply.bulkText(host);
  reply.integer(port);
  reply.bulkLatin1(node.id);
  if (isAddress(host)) return reply.map(0);
  reply.map(1);
  reply.bulkLatin1("ip");
  reply.bulkText(ip);
}

function shards({ reply, client }: CommandContext, node: ClusterNode): void {
  const { connection } = client;
  const { host, ip, port } = node.addressFor(connection);
  const isNamed = !isAddress(host);
  reply.array(1);
  reply.map(2);
  reply.bulkLatin1("slots");
  reply.array(2);
  reply.integer(0);
  reply.integer(slotCount - 1);
  reply.bulkLatin1("nodes");
  reply.array(1);
  reply.map(isNamed ? 8 : 7);
  reply.bulkLatin1("id");
  reply.bulkLatin1(node.id);
  reply.bulkLatin1(connection.isEncrypted ? "tls-port" : "port");
  reply.integer(port);
  reply.bulkLatin1("ip");
  reply.bulkText(isNamed ? ip : host);
  reply.bulkLatin1("endpoint");
  reply.bulkText(host);
  if (isNamed) {
    reply.bulkLatin1("hostname");
    reply.bulkText(host);
  }
  reply.bulkLatin1("role");
  reply.bulkLatin1("master");
  reply.bulkLatin1("replication-offset");
  reply.integer(0);
  reply.bulkLatin1("health");
  reply.bulkLatin1("online");
}

function nodes({ reply, client }: CommandContext, node: ClusterNode): void {
  const { host, ip, port } = node.addressFor(client.connection);
  const isNamed = !isAddress(host);
  const busPort = port + busPortOffset <= portMax ? port + busPortOffset : 0;
  const address = `${isNamed ? ip : host}:${port}@${busPort}${isNamed ? `,${host}` : ""}`;
  reply.verbatim("txt", `${node.id} ${address} myself,master - 0 0 0 connected 0-${slotCount - 1}\n`);
}

const infoLines = [
  "cluster_state:ok",
  `cluster_slots_assigned:${slotCount}`,
  `cluster_slots_ok:${slotCount}`,
  "cluster_slots_pfail:0",
  "cluster_slots_fail:0",
  "cluster_known_nodes:1",
  "cluster_size:1",
  "cluster_current_epoch:0",
  "cluster_my_epoch:0",
  "cluster_stats_messages_sent:0",
  "cluster_stats_messages_received:0",
  "total_cluster_links_buffer_limit_exceeded:0",
];

function info({ reply }: CommandContext): void {
  reply.verbatim("txt", infoLines.map((line) => `${line}\r\n`).join(""));
}

function myId({ reply }: CommandContext, node: ClusterNode): void {
  reply.bulkLatin1(node.id);
}

function myShardId({ reply }: CommandContext, node: ClusterNode): void {
  reply.bulkLatin1(node.shardId);
}

function links({ reply }: CommandContext): void {
  reply.array(0);
}

function replicas(context: CommandContext, node: ClusterNode): void {
  assertThisNode(context, 2, node);
  context.reply.array(0);
}

function countFailureReports(context: CommandContext, node: ClusterNode): void {
  assertThisNode(context, 2, node);
  context.reply.integer(0);
}
