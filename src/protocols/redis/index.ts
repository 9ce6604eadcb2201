/** The Redis protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Protocol } from "../contract.ts";
import { RedisServer } from "./server.ts";
import { RedisSession } from "./session.ts";

export function redisProtocol(broker: Broker, keyspace: Keyspace): Protocol {
  const server = new RedisServer(broker, keyspace);
  return { name: "redis", createSession: (connection) => new RedisSession(connection, server) };
}
