/** The Redis protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { RedisSession } from "./session.ts";

export function redisProtocol(broker: Broker): Protocol {
  return { name: "redis", createSession: (connection) => new RedisSession(connection, broker) };
}
