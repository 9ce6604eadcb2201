/** The AMQP protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { runChannelMethod } from "./commands/index.ts";
import { AmqpServer } from "./core/server.ts";
import { AmqpSession } from "./core/session.ts";
import { DirectAmqp } from "./direct/direct-channel.ts";

export { queueFault } from "./direct/queue-fault.ts";

/** The protocol for sockets, and its channels without one, for the HTTP API. */
export interface AmqpParts {
  readonly protocol: Protocol;
  readonly direct: DirectAmqp;
}

export function amqpParts(broker: Broker): AmqpParts {
  const server = new AmqpServer(broker, runChannelMethod);
  return {
    protocol: { name: "amqp", createSession: (connection) => new AmqpSession(connection, server) },
    direct: new DirectAmqp(server),
  };
}

export function amqpProtocol(broker: Broker): Protocol {
  return amqpParts(broker).protocol;
}
