/** The clients of Kafka. */
import type { ClientRow } from "../base/row.ts";
import { java } from "../toolchains/java.ts";

export const kafkaClients: readonly ClientRow[] = [
  {
    name: "Kafka Java client 4.3",
    language: "Java",
    protocol: "kafka",
    does: "share groups: accept, release, reject, renew, locks that end, two consumers, retry policies, dead letters, administration",
    toolchain: java("kafka"),
  },
];
