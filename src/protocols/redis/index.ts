/** The Redis protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { RedisServer } from "./server.ts";
import { RedisSession } from "./session.ts";

export function redisProtocol(broker: Broker): Protocol {
  const server = new RedisServer(broker);
  return { name: "redis", createSession: (connection) => new RedisSession(connection, server) };
}
