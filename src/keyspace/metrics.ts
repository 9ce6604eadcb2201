/** Redis's numbers for /metrics, under the names of the usual exporter (oliver006/redis_exporter). Read when somebody asks. */
import type { MetricsRegistry } from "../base/metrics.ts";
import type { Keyspace } from "./keyspace.ts";

/** The listener of Redis's clients. */
export interface RedisListener {
  readonly connections: { readonly size: number };
  readonly accepted: number;
}

export function registerKeyspaceMetrics(
  registry: MetricsRegistry,
  keyspace: Keyspace,
  listener: RedisListener,
): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    registry.read({ name, help, kind: "gauge" }, (emit) => emit(read()));
  gauge("redis_up", "Information about the Redis instance", () => 1);
  gauge("redis_connected_clients", "connected_clients metric", () => listener.connections.size);
  registry.read(
    { name: "redis_connections_received_total", help: "connections_received_total metric", kind: "counter" },
    (emit) => emit(listener.accepted),
  );
  registry.read(
    { name: "redis_expired_keys_total", help: "expired_keys_total metric", kind: "counter" },
    (emit) => emit(keyspace.expired),
  );
  registry.read({ name: "redis_db_keys", help: "Total number of keys by DB", kind: "gauge" }, (emit) => {
    for (const [number, database] of keyspace.databases.entries()) emit(database.size, { db: `db${number}` });
  });
}
