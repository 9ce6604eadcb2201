/** The Kafka protocol's entry: what the wiring needs of it. */
import type { Broker } from "../../broker/broker.ts";
import type { Protocol } from "../contract.ts";
import { type Advertised, KafkaNode } from "./core/node.ts";
import { KafkaSession } from "./core/session.ts";

export function kafkaProtocol(broker: Broker, advertised: Advertised): Protocol {
  const node = new KafkaNode(broker, advertised);
  return { name: "kafka", createSession: (connection) => new KafkaSession(connection, node) };
}
