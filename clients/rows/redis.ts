/** The clients of Redis. */
import type { ClientRow } from "../base/row.ts";
import { php, ruby } from "../toolchains/debian.ts";
import { go } from "../toolchains/go.ts";
import { java } from "../toolchains/java.ts";
import { python } from "../toolchains/python.ts";

const phpredisAndPredis = `extension_loaded("redis") && stream_resolve_include_path("Predis/Autoloader.php")`;
const illuminate = ["Queue", "Redis", "Cache", "Events"]
  .map((name) => `stream_resolve_include_path("Illuminate/${name}/autoload.php")`)
  .join(" && ");

export const redisClients: readonly ClientRow[] = [
  {
    name: "redis-py 8.1",
    language: "Python",
    protocol: "redis",
    does: "commands, pipelines, WATCH, Pub/Sub, streams, locks, scripts, client-side cache; asyncio too",
    toolchain: python("redis_py"),
  },
  {
    name: "Celery 5.7",
    language: "Python",
    protocol: "redis",
    does: "broker and result backend: chain, group, chord, retry, countdown, priorities, remote control, redelivery",
    toolchain: python("celery_redis"),
  },
  {
    name: "RQ 2.12",
    language: "Python",
    protocol: "redis",
    does: "queues, retries, dependencies, scheduler, failed jobs, results, workers that are killed",
    toolchain: python("rq_redis"),
  },
  {
    name: "go-redis 9.23",
    language: "Go",
    protocol: "redis",
    does: "commands, pipelines, WATCH, Pub/Sub, streams, blocking pops, scripts, functions; RESP2 and RESP3",
    toolchain: go("goredis"),
  },
  {
    name: "asynq 0.26",
    language: "Go",
    protocol: "redis",
    does: "tasks, retries, schedules, unique tasks, priorities, groups, cancellation, hand-over, inspector",
    toolchain: go("asynq"),
  },
  {
    name: "Jedis 8.0",
    language: "Java",
    protocol: "redis",
    does: "commands, pipelines, WATCH, Pub/Sub, streams, blocking pops, scripts, client-side cache; RESP2 and RESP3",
    toolchain: java("jedis"),
  },
  {
    name: "Lettuce 7.7",
    language: "Java",
    protocol: "redis",
    does: "synchronous, asynchronous, reactive; Pub/Sub, streams, scripts, client-side cache, reconnection; RESP2 and RESP3",
    toolchain: java("lettuce"),
  },
  {
    name: "Redisson 4.3",
    language: "Java",
    protocol: "redis",
    does: "locks, semaphores, rate limiter, topics, maps, queues, batches, transactions, local caches, executor",
    toolchain: java("redisson"),
  },
  {
    name: "Spring Data Redis 4.1",
    language: "Java",
    protocol: "redis",
    does: "templates, listener containers of channels and streams, transactions, scripts, a cache, the reactive template",
    toolchain: java("spring"),
  },
  {
    name: "redis-rb",
    language: "Ruby",
    protocol: "redis",
    does: "commands, pipelines, WATCH, Pub/Sub, streams, blocking pops, scripts",
    toolchain: ruby("redis_rb", ["redis"], ["ruby-redis"]),
  },
  {
    name: "Sidekiq",
    language: "Ruby",
    protocol: "redis",
    does: "jobs, jobs in the future, retries, dead set, statistics, hand-over",
    toolchain: ruby("sidekiq", ["redis", "sidekiq"], ["ruby-sidekiq"]),
  },
  {
    name: "phpredis, Predis",
    language: "PHP",
    protocol: "redis",
    does: "commands, pipelines, transactions, streams, Pub/Sub, sessions with locks",
    toolchain: php("redis_clients", phpredisAndPredis, ["php-redis", "php-predis"]),
  },
  {
    name: "Laravel's queue and cache",
    language: "PHP",
    protocol: "redis",
    does: "jobs, delays, tries, redelivery, locks, tags, limiters; by phpredis and by Predis",
    toolchain: php("laravel", `${phpredisAndPredis} && ${illuminate}`, [
      "php-redis",
      "php-predis",
      "php-illuminate-queue",
      "php-illuminate-redis",
      "php-illuminate-cache",
      "php-illuminate-events",
    ]),
  },
];
