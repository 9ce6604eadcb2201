/** The AMQP protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { runChannelMethod } from "./commands/index.ts";
import { AmqpServer } from "./core/server.ts";
import { AmqpSession } from "./core/session.ts";

export function amqpProtocol(broker: Broker): Protocol {
  const server = new AmqpServer(broker, runChannelMethod);
  return { name: "amqp", createSession: (connection) => new AmqpSession(connection, server) };
}
