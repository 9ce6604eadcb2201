/** ioredis as a load wants it: no reconnecting, no commands kept for later, errors left to the calls. */
import { Redis } from "ioredis";

export function openRedis(port: number): Redis {
  const client = new Redis(port, "127.0.0.1", { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on("error", () => {});
  return client;
}
