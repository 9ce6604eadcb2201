/**
 * 100,000 durable queues: declared, one message into each, the broker started again over them, all consumed, all
 * deleted. What each costs in memory and how long a start takes.
 */
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { methodId } from "../../bench/generators/amqp/handshake.ts";
import { type Load, kilobytes, megabytes, type Scenario } from "../base/scenario.ts";
import { Arrivals, body } from "../base/sequences.ts";
import { settledRss } from "../base/usage.ts";
import { until } from "../base/waiting.ts";
import { AmqpClient, consumeBytes, declareBytes, deleteBytes } from "../clients/amqp.ts";

const queues = 100_000;
const together = 1000;
const bodyBytes = 100;
const rssBytesEachMax = 12_000;
const restMs = 20_000;
const startMsMax = 20_000;

const nameOf = (i: number): string => `load.queue.${i}`;

/** Calls for each queue, so many at once. */
async function forEach(client: AmqpClient, id: number, bytesOf: (name: string) => Buffer): Promise<void> {
  for (let from = 0; from < queues; from += together) {
    const calls = Array.from({ length: together }, (_, i) => client.call(bytesOf(nameOf(from + i)), id));
    await Promise.all(calls);
  }
}

async function timed(load: Load, what: string, work: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  await work();
  const ms = performance.now() - startedMs;
  load.figure(what, `${(ms / 1000).toFixed(1)} s, ${Math.round(queues / (ms / 1000))} a second`);
}

async function publishToAll(client: AmqpClient): Promise<void> {
  const confirmed = new Arrivals();
  let upTo = 0;
  client.onConfirm = (tag, isMultiple) => {
    if (!isMultiple) return confirmed.add(tag);
    for (; upTo < tag; upTo++) confirmed.add(upTo + 1);
  };
  await client.selectConfirms();
  for (let i = 0; i < queues; i++)
    if (!client.publish(nameOf(i), body(0, i, bodyBytes))) await client.drained();
  await until("a confirm of each message", () => confirmed.distinct === queues);
}

async function consumeAll(load: Load, client: AmqpClient): Promise<void> {
  const came = new Arrivals();
  client.onDelivery = (bytes, tag) => {
    came.take(bytes);
    client.ack(tag, false);
  };
  await forEach(client, methodId.consumeOk, (name) => consumeBytes(name, { isAcked: true }));
  await until("a message of each queue", () => came.total >= queues);
  // The answer to this comes after all acknowledgements were taken.
  await client.declare(nameOf(0), { isPassive: true });
  load.exactly("different messages from all queues", came.distinct, queues);
  load.exactly("messages twice or damaged", came.total - came.distinct + came.damaged, 0);
}

async function run(load: Load): Promise<void> {
  const broker = await load.startBroker({ startMsMax: startMsMax * 6 });
  const before = await settledRss(broker.pid);
  let client = await AmqpClient.open(broker.ports.amqp);
  await timed(load, "declared", () => forEach(client, methodId.queueDeclareOk, declareBytes));
  const declared = await settledRss(broker.pid);
  load.atMost("RSS for each queue", (declared - before) / queues, rssBytesEachMax, kilobytes);
  await timed(load, "one message into each, confirmed", () => publishToAll(client));
  const filled = await settledRss(broker.pid);
  load.atMost("RSS for each queue with its message", (filled - before) / queues, rssBytesEachMax, kilobytes);
  client.close();

  await broker.kill("SIGTERM");
  const startedMs = performance.now();
  await broker.start();
  const startMs = performance.now() - startedMs;
  load.atMost("start over them", startMs, startMsMax, (ms) => `${(ms / 1000).toFixed(1)} s`);
  const started = await settledRss(broker.pid);
  load.atMost("RSS for each queue after that", (started - before) / queues, rssBytesEachMax, kilobytes);
  client = await AmqpClient.open(broker.ports.amqp);
  await timed(load, "consumed and acknowledged, a consumer on each", () => consumeAll(load, client));
  load.figure("RSS with a consumer on each", megabytes(await settledRss(broker.pid)));
  await timed(load, "deleted", () => forEach(client, methodId.queueDeleteOk, deleteBytes));
  client.close();
  // Garbage goes back to the system only after a while in which nothing happens.
  await sleep(restMs);
  load.figure("RSS without queues, 20 s later", megabytes(await settledRss(broker.pid)));
  await broker.restart();
  load.figure("RSS after a start without queues", megabytes(await settledRss(broker.pid)));
  const files = fs.readdirSync(broker.dataDir, { recursive: true }) as string[];
  const bytes = files.map((file) => fs.statSync(path.join(broker.dataDir, file)).size);
  load.figure(
    "files left, and their bytes",
    `${files.length}, ${megabytes(bytes.reduce((a, b) => a + b, 0))}`,
  );
}

export const queuesScenario: Scenario = {
  name: "queues",
  what: "100,000 queues: declare, publish, start again, consume, delete",
  run,
};
