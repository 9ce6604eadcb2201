/** The process's own numbers, read at each scrape, under the names that Prometheus clients have for them. */
import type { MetricsRegistry } from "../base/metrics.ts";
import { version } from "../base/version.ts";

const microsecondsOfSecond = 1_000_000;

export function registerProcessMetrics(registry: MetricsRegistry): void {
  const { bun, node } = process.versions;
  registry.gauge({
    name: "troikamq_build_info",
    help: "Always 1; version of the broker and the runtime under it.",
    labels: { version, runtime: bun === undefined ? `node ${node}` : `bun ${bun}` },
  }).value = 1;
  registry.read(
    { kind: "gauge", name: "process_resident_memory_bytes", help: "Memory of the process in RAM." },
    (emit) => emit(process.memoryUsage.rss()),
  );
  registry.read(
    { kind: "counter", name: "process_cpu_seconds_total", help: "Processor time of the process." },
    (emit) => {
      const { user, system } = process.cpuUsage();
      emit((user + system) / microsecondsOfSecond);
    },
  );
  registry.read({ kind: "gauge", name: "process_uptime_seconds", help: "Age of the process." }, (emit) =>
    emit(uptimeSeconds()),
  );
  // As redis_exporter calls it.
  registry.read(
    { kind: "gauge", name: "redis_uptime_in_seconds", help: "uptime_in_seconds metric" },
    (emit) => emit(uptimeSeconds()),
  );
}

/** Age of the process. */
export function uptimeSeconds(): number {
  return process.uptime();
}
