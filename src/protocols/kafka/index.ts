/** The Kafka protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { KafkaSession } from "./session.ts";

export function kafkaProtocol(
  broker: Broker,
  _advertised: { host: string | undefined; port: number | undefined },
): Protocol {
  return { name: "kafka", createSession: (connection) => new KafkaSession(connection, broker) };
}
