/** How a connection of each protocol opens, and asks for a sign of life. */
import type { Greeting } from "../../bench/base/idle-connections.ts";
import {
  channelOpen,
  connectionOpen,
  protocolHeader,
  qos,
  startOk,
} from "../../bench/generators/amqp/handshake.ts";
import { requestBytes } from "../clients/kafka.ts";

const apiVersions = requestBytes("ApiVersions", 0, {});
const metadata = requestBytes("Metadata", 1, { topics: [] });

export const greetings: Readonly<Record<"redis" | "amqp" | "kafka", Greeting>> = {
  redis: { steps: ["PING\r\n"], ask: "PING\r\n" },
  amqp: { steps: [protocolHeader, startOk, connectionOpen, channelOpen(1)], ask: qos(1, 1) },
  kafka: { steps: [apiVersions], ask: metadata },
};
