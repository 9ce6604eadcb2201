/** The Redis protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Protocol } from "../contract.ts";
import { commandTable } from "./command-table.ts";
import { RedisServer } from "./server.ts";
import { RedisSession } from "./session.ts";

interface RedisOptions {
  /** Shown as the setting `maxclients`. */
  readonly connectionsMax?: number;
  /** The setting `maxmemory-clients`. */
  readonly clientsMemory?: string;
}

export function redisProtocol(
  broker: Broker,
  keyspace: Keyspace,
  { connectionsMax, clientsMemory }: RedisOptions = {},
): Protocol {
  const server = new RedisServer(broker, keyspace, commandTable);
  if (connectionsMax !== undefined) server.settings.values.set("maxclients", String(connectionsMax));
  if (clientsMemory !== undefined) server.settings.set("maxmemory-clients", clientsMemory);
  return {
    name: "redis",
    refusal: "-ERR max number of clients reached\r\n",
    createSession: (connection) => new RedisSession(connection, server),
  };
}
