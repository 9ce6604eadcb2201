/** The clients of RabbitMQ. */
import type { ClientRow } from "../base/row.ts";
import { php, ruby } from "../toolchains/debian.ts";
import { go } from "../toolchains/go.ts";
import { java } from "../toolchains/java.ts";
import { python } from "../toolchains/python.ts";
import { rust } from "../toolchains/rust.ts";

export const amqpClients: readonly ClientRow[] = [
  {
    name: "pika 1.4",
    language: "Python",
    protocol: "amqp",
    does: "confirms, returns, prefetch, dead letters, RPC, exchanges, transactions, streams; blocking, select and asyncio adapters",
    toolchain: python("pika_amqp"),
  },
  {
    name: "aio-pika 10.2",
    language: "Python",
    protocol: "amqp",
    does: "confirms, dead letters, exchanges, the patterns RPC and Master, transactions, streams, a robust connection that is closed",
    toolchain: python("aio_pika_amqp"),
  },
  {
    name: "kombu 5.7",
    language: "Python",
    protocol: "amqp",
    does: "producers, consumers, SimpleQueue, pools, mixins, confirms, dead letters, reconnection",
    toolchain: python("kombu_amqp"),
  },
  {
    name: "Celery 5.7 over AMQP",
    language: "Python",
    protocol: "amqp",
    does: "tasks, results by rpc://, retries, acks_late, countdown and eta, prefetch, killed workers, remote control, events, Flower 2.2's queues",
    toolchain: python("celery_amqp"),
  },
  {
    name: "pika 1.4, failing",
    language: "Python",
    protocol: "amqp",
    does: "fails three times, backs off, finds the dead letter, retries it to its origin, undoes that; reconnects while messages wait",
    toolchain: python("pika_comes_back", "pika_amqp"),
    hasNoPeer: true,
  },
  {
    name: "Celery 5.7, failing",
    language: "Python",
    protocol: "amqp",
    does: "tasks that raise, reject or kill their process come again by the policy of their queue, and from its dead letters; countdown and eta beside",
    toolchain: python("celery_comes_back", "celery_amqp"),
    hasNoPeer: true,
  },
  {
    name: "amqp091-go 1.16",
    language: "Go",
    protocol: "amqp",
    does: "confirms, returns, prefetch, dead letters, RPC, exchanges, transactions, streams, notifications, reconnection",
    toolchain: go("amqp091"),
  },
  {
    name: "RabbitMQ Java client 5.37",
    language: "Java",
    protocol: "amqp",
    does: "confirms, returns, prefetch, dead letters, RPC, exchanges, priorities, transactions, streams, blocked publishers, automatic recovery",
    toolchain: java("rabbitmq"),
    fillsMemory: true,
  },
  {
    name: "Spring AMQP 4.1",
    language: "Java",
    protocol: "amqp",
    does: "RabbitAdmin, templates, listener containers, annotations, retry, confirms, returns, RPC, batches, transactions, streams, restarts",
    toolchain: java("spring-amqp"),
  },
  {
    name: "PerfTest 2.22",
    language: "Java",
    protocol: "amqp",
    does: "bounded runs of its command line: confirms, quorum queues, streams, transactions, many queues, fanout, priorities, basic.get, nacks",
    toolchain: java("perf-test"),
  },
  {
    name: "lapin 4.12",
    language: "Rust",
    protocol: "amqp",
    does: "confirms, returns, prefetch, dead letters, RPC, exchanges, priorities, transactions, streams, blocked publishers, automatic recovery",
    toolchain: rust("lapin", [1, 88]),
    fillsMemory: true,
  },
  {
    name: "php-amqplib",
    language: "PHP",
    protocol: "amqp",
    does: "confirms, returns, prefetch, dead letters, RPC, exchanges, transactions, streams, reconnection",
    toolchain: php("amqplib", `stream_resolve_include_path("PhpAmqpLib/autoload.php")`, ["php-amqplib"]),
  },
  {
    name: "bunny",
    language: "Ruby",
    protocol: "amqp",
    does: "confirms, returns, prefetch, dead letters, RPC, exchanges, transactions, streams, 10,000 messages",
    toolchain: ruby("bunny_amqp", ["bunny"], ["ruby-bunny"]),
  },
];
