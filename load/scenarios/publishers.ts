/**
 * Publishers of each protocol that send as much as is taken, on a disk that is slower than they are, until the broker is
 * killed: its memory stays bounded, and after a restart every acknowledged message is there, whole and in order.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Load, megabytes, type Scenario } from "../base/scenario.ts";
import { Arrivals } from "../base/sequences.ts";
import { SlowDisk } from "../base/slow-disk.ts";
import { MemoryWatch, settledRss } from "../base/usage.ts";
import { within } from "../base/waiting.ts";
import { AmqpPublisher } from "../publishers/amqp.ts";
import { KafkaPublisher } from "../publishers/kafka.ts";
import type { Publisher } from "../publishers/publisher.ts";
import { RedisPublisher } from "../publishers/redis.ts";

const perProtocol = 4;
const diskBytesPerSecond = 20 << 20;
const loadMs = 15_000;
const sentBytesMax = 3e9;
/** The journal's backlog of 64 MB, the same again being written, input buffers, and what the collector leaves. */
const rssBytesMax = 768 << 20;
const pollMs = 100;

async function run(load: Load): Promise<void> {
  const broker = await load.startBroker();
  const publishers: Publisher[] = [];
  for (let i = 0; i < perProtocol; i++)
    publishers.push(new AmqpPublisher(i), new KafkaPublisher(i), new RedisPublisher(i));
  for (const publisher of publishers) await publisher.open(broker.ports);
  await settledRss(broker.pid);
  const disk = SlowDisk.slowDown(broker.pid, broker.dataDir, diskBytesPerSecond);
  const slowed = disk.why === "" ? `${megabytes(diskBytesPerSecond)}/s` : `not slowed: ${disk.why}`;
  load.figure("disk", slowed);
  const watch = new MemoryWatch(broker.pid);
  const sending = publishers.map((publisher) => publisher.send());
  const sentBytes = (): number => publishers.reduce((sum, publisher) => sum + publisher.sentBytes, 0);
  for (let waited = 0; waited < loadMs && sentBytes() < sentBytesMax; waited += pollMs) await sleep(pollMs);
  const growth = watch.stop();
  const { pid } = broker;
  await broker.kill("SIGKILL");
  disk.end(pid);
  for (const publisher of publishers) publisher.stop();
  await within("publishers to see that the broker is gone", Promise.all(sending));
  load.atMost("RSS more while publishing", growth, rssBytesMax, megabytes);
  load.figure("sent", megabytes(sentBytes()));

  await broker.restart();
  for (const name of ["amqp", "kafka", "redis"] as const) {
    const ofThis = publishers.filter(({ protocol }) => protocol === name);
    const told = ofThis.reduce((sum, { acknowledged }) => sum + acknowledged.distinct, 0);
    load.expect(told > 0, `${name}: nothing was acknowledged`);
    load.figure(`${name}: acknowledged messages`, String(told));
    const found = await Promise.all(ofThis.map((publisher) => publisher.readAll(broker.ports)));
    const lost = found.map((came, i) => came.missingOf(ofThis[i]!.acknowledged));
    load.exactly(`${name}: of them lost`, sumOf(lost), 0);
    load.exactly(`${name}: damaged, twice or out of order`, sumOf(found.map(faultsOf)), 0);
  }
  load.figure("RSS after reading all", megabytes(await settledRss(broker.pid)));
}

function faultsOf(came: Arrivals): number {
  return came.damaged + came.outOfOrder + (came.total - came.damaged - came.distinct);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

export const publishersScenario: Scenario = {
  name: "publishers",
  what: "publishers faster than the disk, then SIGKILL: bounded memory, nothing acknowledged is lost",
  run,
};
