/** Unmodified Redis client libraries for tests, on a broker's port, in either protocol version. */
import { Redis } from "ioredis";
import { createClient } from "redis";

export { until } from "./wait.ts";

/** ioredis 6 starts with HELLO 3; `protocol: 2` keeps it in RESP2. */
export function openIoredis(port: number, options: object = {}): Redis {
  return new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 5, ...options });
}

export async function openNodeRedis(port: number, version: 2 | 3 = 3) {
  const client = createClient({ socket: { port, host: "127.0.0.1" }, RESP: version });
  client.on("error", () => {});
  await client.connect();
  return client;
}
