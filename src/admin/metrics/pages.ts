/** The pages of /metrics beside the registry's own families. Loaded when somebody asks for one. */
import type { Job } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import { kafkaMetrics } from "./kafka.ts";
import { aggregated, detailed, perObject } from "./rabbitmq.ts";

export type MetricsPage = "aggregated" | "per-object" | "detailed";

const pages: Readonly<Record<MetricsPage, (broker: Broker, query: URLSearchParams) => Job<string>>> = {
  *aggregated(broker) {
    return (yield* aggregated(broker)) + (yield* kafkaMetrics(broker));
  },
  "per-object": perObject,
  detailed,
};

/** Made in slices. */
export function metricsText(broker: Broker, page: MetricsPage, query: URLSearchParams): Promise<string> {
  return new Promise((resolve, reject) => {
    broker.work.run(pages[page](broker, query), (outcome) => {
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.result);
    });
  });
}
