/** The Kafka protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { type Advertised, KafkaServer } from "./core/server.ts";
import { KafkaSession } from "./core/session.ts";

export function kafkaProtocol(broker: Broker, advertised: Advertised): Protocol {
  const server = new KafkaServer(broker, advertised);
  return { name: "kafka", createSession: (connection) => new KafkaSession(connection, server) };
}
