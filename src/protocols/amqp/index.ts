/** The Amqp protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { AmqpSession } from "./session.ts";

export function amqpProtocol(broker: Broker): Protocol {
  return { name: "amqp", createSession: (connection) => new AmqpSession(connection, broker) };
}
