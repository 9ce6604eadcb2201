/**
 * SIGKILL on a small disk that is full, or while sliced work runs: what was acknowledged is there after the restart, once,
 * and `check` finds the directory whole.
 */
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import amqplib from "amqplib";
import { AmqpLoad } from "../test/kill/amqp-load.ts";
import { KafkaLoad } from "../test/kill/kafka-load.ts";
import type { Load } from "../test/kill/load.ts";
import { RedisLoad } from "../test/kill/redis-load.ts";
import { within } from "../test/kill/rounds.ts";
import { TestBroker } from "../test/support/broker.ts";
import { KafkaWireClient } from "../test/support/kafka-wire-client.ts";
import { RawRedis } from "../test/support/raw-redis.ts";
import { canRun, system } from "./command.ts";
import { type Case, type Outcome, seededRandom } from "./report.ts";

const diskMebibytes = 64;
const args = ["--journal-bytes-max", "1MiB"];
const rounds = 6;
/** Most of the disk: publishers fill the rest in a moment. */
const ballastBytes = 44 << 20;
const earliestKillMs = 200;
const latestKillMs = 900;
/** So long after the request: it is at work, or just answered. */
const amidKillMsMax = 100;

export function fullDiskKillCases(scratch: string, seed: number): Case[] {
  const skip = canRun("mount") ? undefined : "needs root and mount";
  return [
    {
      name: "SIGKILL while publishers fill the disk",
      skip,
      run: () => onDisk(path.join(scratch, "kills"), (mount) => killedWhenFull(mount, seed)),
    },
    ...slicedJobs.map((job) => ({
      name: `SIGKILL amid ${job.name}`,
      skip,
      run: () => onDisk(path.join(scratch, "sliced"), (mount) => killedAmid(mount, job, seed)),
    })),
  ];
}

async function onDisk(mount: string, run: (mount: string) => Promise<Outcome>): Promise<Outcome> {
  fs.mkdirSync(mount, { recursive: true });
  system("mount", "-t", "tmpfs", "-o", `size=${diskMebibytes}m`, "tmpfs", mount);
  try {
    return await run(mount);
  } finally {
    system("umount", "-l", mount);
  }
}

async function killedWhenFull(mount: string, seed: number): Promise<Outcome> {
  const random = seededRandom(seed);
  const ballast = path.join(mount, "ballast");
  fs.writeFileSync(ballast, Buffer.alloc(ballastBytes));
  const broker = new TestBroker({ dataDir: path.join(mount, "data"), args });
  await broker.start();
  const loads: Load[] = [new AmqpLoad(), new RedisLoad(), new KafkaLoad()];
  let full = 0;
  for (let round = 1; round <= rounds; round++) {
    const running = loads.map((load) => load.run(broker.ports));
    await sleep(earliestKillMs + random() * (latestKillMs - earliestKillMs));
    // In every other round others take all that is left, so that the reserve is at work.
    if (round % 2 === 0) fillUp(ballast);
    await sleep(random() * earliestKillMs);
    if ((await broker.metric("troikamq_disk_full").catch(() => 0)) > 0) full++;
    await broker.kill();
    for (const load of loads) load.stop();
    for (const [i, load] of loads.entries()) await within(`round ${round}: ${load.name} to end`, running[i]!);
    fs.truncateSync(ballast, ballastBytes);
    await broker.check();
    await within(`round ${round}: the restart`, broker.start());
  }
  fs.rmSync(ballast);
  const wrong: string[] = [];
  if (full === 0) wrong.push("the disk was never full");
  for (const load of loads)
    wrong.push(...(await within(`${load.name} to verify`, load.verify(broker.ports))));
  await broker.stop();
  return {
    done: `${rounds} times, the disk full in ${full} of them, seed ${seed}`,
    broker: "started each time",
    check: "ok each time",
    wrong,
  };
}

/** Adds to the file until the disk takes no more. */
function fillUp(file: string): void {
  const piece = Buffer.alloc(1 << 16, "b");
  const descriptor = fs.openSync(file, "a");
  try {
    for (;;) fs.writeSync(descriptor, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Work that takes many turns. Whatever of it a kill leaves, nothing else may be touched, and an answer means all of it. */
interface SlicedJob {
  readonly name: string;
  readonly make: (broker: TestBroker) => Promise<void>;
  /** Calls `begin` as it sends the request; resolves to true when that was answered. */
  readonly run: (broker: TestBroker, begin: () => void) => Promise<boolean>;
  /** What contradicts `isAnswered` after the restart. */
  readonly look: (broker: TestBroker, isAnswered: boolean) => Promise<string[]>;
}

const keys = 100_000;
const entries = 200_000;
const nacked = 50_000;
const topics = 400;
const chunk = 1000;

async function redisOf<T>(broker: TestBroker, work: (client: RawRedis) => Promise<T>): Promise<T> {
  const client = await RawRedis.open(broker.ports.redis);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** In a database that no job touches. */
function beside(broker: TestBroker, ...words: string[]): Promise<string> {
  return redisOf(broker, async (client) => {
    await client.call("SELECT", "1");
    return client.call(...words);
  });
}

async function numberOf(broker: TestBroker, ...words: string[]): Promise<number> {
  return redisOf(broker, async (client) => Number((await client.call(...words)).slice(1)));
}

async function channelOf<T>(
  broker: TestBroker,
  work: (channel: amqplib.ConfirmChannel) => Promise<T>,
): Promise<T> {
  const client = await amqplib.connect(broker.amqpUrl);
  client.on("error", () => {});
  const channel = await client.createConfirmChannel();
  channel.on("error", () => {});
  try {
    return await work(channel);
  } finally {
    await client.close().catch(() => {});
  }
}

async function publish(channel: amqplib.ConfirmChannel, queue: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    channel.sendToQueue(queue, Buffer.from(String(i)), { persistent: true });
    if (i % chunk === chunk - 1) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
}

/** All of it, or what was answered and more. */
function between(what: string, found: number, isAnswered: boolean, before: number): string[] {
  if (isAnswered && found !== 0)
    return [`${what}: ${found} are there, though the answer had said that none is`];
  return found > before ? [`${what}: ${found} are there, and there never were more than ${before}`] : [];
}

const slicedJobs: readonly SlicedJob[] = [
  {
    name: `FLUSHDB of ${keys} keys`,
    make: (broker) =>
      redisOf(broker, async (client) => {
        for (let i = 0; i < keys; i += chunk) {
          const words = Array.from({ length: chunk }, (_, each) => [`key:${i + each}`, "v"]).flat();
          await client.call("MSET", ...words);
        }
      }),
    run: (broker, begin) =>
      redisOf(broker, async (client) => {
        begin();
        return (await client.call("FLUSHDB")).startsWith("+OK");
      }),
    look: async (broker, isAnswered) => between("keys", await numberOf(broker, "DBSIZE"), isAnswered, keys),
  },
  {
    name: `XTRIM of ${entries} entries`,
    make: (broker) =>
      channelOf(broker, async (channel) => {
        await channel.assertQueue("trimmed", { durable: true, arguments: { "x-queue-type": "stream" } });
        await publish(channel, "trimmed", entries);
      }),
    run: (broker, begin) =>
      redisOf(broker, async (client) => {
        begin();
        return (await client.call("XTRIM", "trimmed", "MAXLEN", "0")).startsWith(":");
      }),
    look: async (broker, isAnswered) =>
      between("entries", await numberOf(broker, "XLEN", "trimmed"), isAnswered, entries),
  },
  {
    name: `queue.purge of ${entries} messages`,
    make: (broker) =>
      channelOf(broker, async (channel) => {
        await channel.assertQueue("purged", { durable: true });
        await publish(channel, "purged", entries);
      }),
    run: (broker, begin) =>
      channelOf(broker, async (channel) => {
        begin();
        return (await channel.purgeQueue("purged")).messageCount === entries;
      }),
    look: (broker, isAnswered) =>
      channelOf(broker, async (channel) =>
        between("messages", (await channel.checkQueue("purged")).messageCount, isAnswered, entries),
      ),
  },
  {
    name: `basic.nack of ${nacked} messages into a dead-letter queue`,
    make: (broker) =>
      channelOf(broker, async (channel) => {
        await channel.assertQueue("dead", { durable: true });
        await channel.assertQueue("nacked", {
          durable: true,
          deadLetterExchange: "",
          deadLetterRoutingKey: "dead",
        });
        await publish(channel, "nacked", nacked);
      }),
    run: (broker, begin) =>
      channelOf(broker, async (channel) => {
        let held = 0;
        const all = Promise.withResolvers<void>();
        await channel.consume("nacked", () => {
          if (++held === nacked) all.resolve();
        });
        await all.promise;
        begin();
        channel.nackAll(false);
        // Answered behind the nack.
        return (await channel.checkQueue("dead")).messageCount === nacked;
      }),
    look: (broker, isAnswered) =>
      channelOf(broker, async (channel) => {
        const left = (await channel.checkQueue("nacked")).messageCount;
        const dead = (await channel.checkQueue("dead")).messageCount;
        const wrong = between("nacked messages", left, isAnswered, nacked);
        // Each is in one of the two: a dead letter leaves and enters in one group.
        if (left + dead !== nacked) wrong.push(`${left} are left and ${dead} are dead of ${nacked}`);
        return wrong;
      }),
  },
  {
    name: `DeleteTopics of ${topics} topics`,
    make: async (broker) => {
      const kafka = await KafkaWireClient.connect(broker.ports.kafka);
      await kafka.request("CreateTopics", 2, {
        topics: Array.from({ length: topics }, (_, i) => ({
          name: `topic-${i}`,
          numPartitions: 4,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        })),
        timeoutMs: 20_000,
        validateOnly: false,
      });
      kafka.close();
    },
    run: async (broker, begin) => {
      const kafka = await KafkaWireClient.connect(broker.ports.kafka);
      const topicNames = Array.from({ length: topics }, (_, i) => `topic-${i}`);
      begin();
      const reply = await kafka.request("DeleteTopics", 3, { topicNames, timeoutMs: 20_000 });
      kafka.close();
      return reply.responses.every(({ errorCode }) => errorCode === 0);
    },
    look: async (broker, isAnswered) => {
      const kafka = await KafkaWireClient.connect(broker.ports.kafka);
      const reply = await kafka.request("Metadata", 4, { topics: null, allowAutoTopicCreation: false });
      kafka.close();
      const left = reply.topics.filter(({ name }) => name?.startsWith("topic-") === true);
      const torn = left.filter(({ partitions }) => partitions.length !== 4);
      const wrong = between("topics", left.length, isAnswered, topics);
      if (torn.length > 0) wrong.push(`${torn.length} topics have lost partitions`);
      return wrong;
    },
  },
];

async function killedAmid(mount: string, job: SlicedJob, seed: number): Promise<Outcome> {
  const random = seededRandom(seed);
  const dataDir = path.join(mount, "data");
  const copy = `${mount}-before`;
  const ballast = path.join(mount, "ballast");
  const broker = new TestBroker({ dataDir, args });
  await broker.start();
  await beside(broker, "XADD", "kept", "*", "f", "v");
  await job.make(broker);
  await broker.kill();
  fs.cpSync(dataDir, copy, { recursive: true });
  const wrong: string[] = [];
  let answered = 0;
  for (let round = 1; round <= rounds; round++) {
    fs.rmSync(dataDir, { recursive: true });
    fs.cpSync(copy, dataDir, { recursive: true });
    await broker.start();
    // In every other round others have taken all that is left: the work goes on from the reserve.
    if (round % 2 === 0) fillUp(ballast);
    let isAnswered = false;
    const begun = Promise.withResolvers<void>();
    const running = job.run(broker, begun.resolve).then(
      (answer) => (isAnswered = answer),
      () => {},
    );
    await within(`round ${round}: the request`, Promise.race([begun.promise, running]));
    await sleep(random() * amidKillMsMax);
    await broker.kill();
    // A client library may wait for ever for an answer that does not come.
    await Promise.race([running, sleep(earliestKillMs)]);
    if (isAnswered) answered++;
    fs.rmSync(ballast, { force: true });
    await broker.check();
    await broker.start();
    wrong.push(...(await job.look(broker, isAnswered)));
    if ((await beside(broker, "XLEN", "kept")) !== ":1\r\n")
      wrong.push("a stream beside it has lost its entry");
    await broker.stop();
  }
  fs.rmSync(copy, { recursive: true });
  return {
    done: `${rounds} times, on a full disk in half of them, ${answered} of them after the answer, seed ${seed}`,
    broker: "started each time",
    check: "ok each time",
    wrong,
  };
}
