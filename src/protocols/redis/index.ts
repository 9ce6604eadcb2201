/** The Redis protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Protocol } from "../contract.ts";
import { ClusterNode, type ClusterOptions } from "./cluster/cluster-node.ts";
import { commandTable } from "./command-table.ts";
import { RedisServer } from "./server.ts";
import { RedisSession } from "./session.ts";

export type { ClusterOptions };

/** `connectionsMax` is shown as the setting `maxclients`. With `cluster`, the broker is the one node of a Redis cluster. */
export function redisProtocol(
  broker: Broker,
  keyspace: Keyspace,
  connectionsMax?: number,
  cluster: ClusterOptions | null = null,
): Protocol {
  const server = new RedisServer(broker, keyspace, commandTable);
  if (cluster !== null) server.cluster = new ClusterNode(broker, commandTable, cluster);
  server.settings.values.set("cluster-enabled", cluster === null ? "no" : "yes");
  if (connectionsMax !== undefined) server.settings.values.set("maxclients", String(connectionsMax));
  return {
    name: "redis",
    refusal: "-ERR max number of clients reached\r\n",
    createSession: (connection) => new RedisSession(connection, server),
  };
}
