/** What docs/operations.md derives: the families of /metrics, and the limits with the comments that explain them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { registerProcessMetrics } from "../src/admin/process-metrics.ts";
import { limits } from "../src/base/limits.ts";
import { type Emit, MetricsRegistry } from "../src/base/metrics.ts";
import type { Broker } from "../src/broker/broker.ts";
import { registerBrokerMetrics } from "../src/broker/metrics.ts";
import { code, root, type Sections, table } from "./docs-markdown.ts";

/** Knows the families without reading a number, so that no broker is needed. */
class FamilyRegistry extends MetricsRegistry {
  override read(naming: Parameters<MetricsRegistry["read"]>[0], _reader: (emit: Emit) => void): void {
    super.read(naming, () => {});
  }
}

function metricTable(): string {
  const registry = new FamilyRegistry();
  registerProcessMetrics(registry);
  registerBrokerMetrics(registry, {} as Broker, []);
  const rows = [...registry.text().matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name, help, kind]) => [code(name!), kind!, help!],
  );
  return table(["family", "kind", "meaning"], rows);
}

function sizeText(name: string, value: number): string {
  if (name.endsWith("Ms")) return `${value} ms`;
  if (!name.includes("Bytes") || value < 1024) return String(value);
  return value % (1 << 20) === 0 ? `${value / (1 << 20)} MiB` : `${value / (1 << 10)} KiB`;
}

function limitTable(): string {
  const source = readFileSync(join(root, "src/base/limits.ts"), "utf8");
  const comments = new Map(
    [...source.matchAll(/\/\*\* ([^\n]*) \*\/\n {2}(\w+):/g)].map(([, comment, name]) => [name!, comment!]),
  );
  const rows = Object.entries(limits).map(([name, value]) => [
    code(name),
    sizeText(name, value),
    comments.get(name) ?? "",
  ]);
  return table(["limit", "value", "meaning"], rows);
}

export const operationsSections: Sections = { metrics: metricTable, limits: limitTable };
