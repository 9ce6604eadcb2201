/** The pages of /metrics beside the registry's own families. Loaded when somebody asks for one. */
import type { Job } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import { nothingAround, type Surroundings } from "../api/surroundings.ts";
import { kafkaMetrics } from "./kafka.ts";
import { aggregated, detailed, perObject } from "./rabbitmq.ts";

export type MetricsPage = "aggregated" | "per-object" | "detailed";

type Page = (broker: Broker, around: Surroundings, query: URLSearchParams) => Job<string>;

const pages: Readonly<Record<MetricsPage, Page>> = {
  *aggregated(broker, around) {
    return (yield* aggregated(broker, around)) + (yield* kafkaMetrics(broker));
  },
  "per-object": perObject,
  detailed,
};

/** What the pages are about. */
interface Looked {
  readonly broker: Broker;
  readonly surroundings?: Surroundings;
}

/** Made in slices. */
export function metricsText(
  { broker, surroundings = nothingAround }: Looked,
  page: MetricsPage,
  query = new URLSearchParams(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    broker.work.run(pages[page](broker, surroundings, query), (outcome) => {
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.result);
    });
  });
}
