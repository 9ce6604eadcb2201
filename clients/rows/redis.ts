/** The clients of Redis. */
import type { ClientRow } from "../base/row.ts";
import { python } from "../toolchains/python.ts";

export const redisClients: readonly ClientRow[] = [
  {
    name: "redis-py 8.1",
    language: "Python",
    protocol: "redis",
    does: "commands, pipelines, WATCH, Pub/Sub, streams, locks, scripts, client-side cache; asyncio too",
    toolchain: python("redis_py"),
  },
];
