/** The Redis protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Protocol } from "../contract.ts";
import { commandTable } from "./command-table.ts";
import { RedisServer } from "./server.ts";
import { RedisSession } from "./session.ts";

/** `connectionsMax` is shown as the setting `maxclients`. */
export function redisProtocol(broker: Broker, keyspace: Keyspace, connectionsMax?: number): Protocol {
  const server = new RedisServer(broker, keyspace, commandTable);
  if (connectionsMax !== undefined) {
    server.settings.clientsLimit = connectionsMax;
    server.settings.set("maxclients", String(connectionsMax));
  }
  return {
    name: "redis",
    refusal: "-ERR max number of clients reached\r\n",
    createSession: (connection) => new RedisSession(connection, server),
  };
}
