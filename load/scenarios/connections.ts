/**
 * 10,000 connections that do nothing, a third of each protocol, AMQP's through the handshake with a channel open: what
 * each costs in memory, that each still answers, and that all is given back when they leave.
 */
import { IdleConnections } from "../../bench/base/idle-connections.ts";
import { greetings } from "../base/greetings.ts";
import { kilobytes, type Load, megabytes, milliseconds, type Scenario } from "../base/scenario.ts";
import { descriptorsOf, settledRss } from "../base/usage.ts";
import { until } from "../base/waiting.ts";

const counts = { redis: 3334, amqp: 3333, kafka: 3333 } as const;
const total = counts.redis + counts.amqp + counts.kafka;
const rssBytesEachMax = 40_000;

async function run(load: Load): Promise<void> {
  const broker = await load.startBroker();
  const before = await settledRss(broker.pid);
  const descriptorsBefore = descriptorsOf(broker.pid);
  load.figure("RSS without connections", megabytes(before));
  const held: IdleConnections[] = [];
  let rss = before;
  for (const protocol of ["redis", "amqp", "kafka"] as const) {
    held.push(await IdleConnections.open(broker.ports[protocol], counts[protocol], greetings[protocol]));
    const now = await settledRss(broker.pid);
    const each = (now - rss) / counts[protocol];
    load.atMost(`${protocol}: RSS for each of ${counts[protocol]}`, each, rssBytesEachMax, kilobytes);
    rss = now;
  }
  load.exactly("descriptors more", descriptorsOf(broker.pid) - descriptorsBefore, total);
  const askedMs = performance.now();
  for (const idle of held) await idle.expectAllAlive();
  load.figure(`all ${total} asked and answered`, milliseconds(performance.now() - askedMs));
  load.figure("RSS after that", megabytes(await settledRss(broker.pid)));
  for (const idle of held) idle.close();
  await until("all descriptors back", () => descriptorsOf(broker.pid) <= descriptorsBefore, 20_000);
  load.exactly("descriptors left when all are gone", descriptorsOf(broker.pid) - descriptorsBefore, 0);
  load.figure("RSS when all are gone", megabytes(await settledRss(broker.pid)));
}

export const connections: Scenario = {
  name: "connections",
  what: "10,000 idle connections of the three protocols, then each used once",
  run,
};
