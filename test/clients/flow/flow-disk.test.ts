/**
 * A disk that is slow, and one that is full for a while: publishers wait, nobody is told what is not so, and all goes
 * on by itself. The broker runs in this process over the real disk, with faults put between.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import amqp, { type ChannelModel } from "amqplib";
import type { Disk, DiskFile } from "../../../src/base/disk.ts";
import { limits } from "../../../src/base/limits.ts";
import { Logger } from "../../../src/base/logger.ts";
import { Broker } from "../../../src/broker/broker.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { Entrance } from "../../../src/net/entrance.ts";
import { Server } from "../../../src/net/listen.ts";
import { systemClock, systemRandom, systemTimers } from "../../../src/net/runtime.ts";
import { amqpProtocol } from "../../../src/protocols/amqp/index.ts";
import { kafkaProtocol } from "../../../src/protocols/kafka/index.ts";
import { redisProtocol } from "../../../src/protocols/redis/index.ts";
import { checkDataDirectory } from "../../../src/storage/index.ts";
import { localDisk } from "../../../src/storage/local/disk.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { eventually, figure, mebibyte, testMsMax } from "./flow-support.ts";

/** The real disk, made worse. */
class FaultyDisk {
  syncMs = 0;
  isFull = false;
  readonly disk: Disk;

  constructor() {
    const open = (...where: Parameters<Disk["open"]>): DiskFile => {
      if (where[1] === "create") this.#failWhenFull();
      return this.#file(localDisk.open(...where));
    };
    this.disk = { ...localDisk, open };
  }

  #failWhenFull(): void {
    if (this.isFull) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  }

  #file(file: DiskFile): DiskFile {
    return {
      write: (bytes, start, end, at) => {
        // A full disk takes a part.
        if (this.isFull) file.write(bytes, start, start + ((end - start) >> 1), at);
        this.#failWhenFull();
        file.write(bytes, start, end, at);
      },
      writeLater: async (...what) => {
        this.#failWhenFull();
        await file.writeLater(...what);
      },
      read: (...what) => file.read(...what),
      sync: async () => {
        if (this.syncMs > 0) await delay(this.syncMs);
        await file.sync();
      },
      size: () => file.size(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }
}

class Served {
  readonly faulty = new FaultyDisk();
  readonly directory: string = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-flow-"));
  broker!: Broker;
  #keyspace!: Keyspace;
  #servers: Server[] = [];
  readonly #ports: Record<string, number> = {};
  readonly #clients: ChannelModel[] = [];

  static async start(): Promise<Served> {
    const served = new Served();
    await served.#open();
    return served;
  }

  async #open(): Promise<void> {
    const keyspace = new Keyspace(1);
    const logger = new Logger({ level: "error", clock: systemClock, sink: () => {} });
    const broker = await Broker.open({
      disk: this.faulty.disk,
      directory: this.directory,
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      logger,
      journalBytesMax: 256 * mebibyte,
      memoryBytesMax: 0,
      sources: [keyspace],
      redisStreamsDurability: "fsync",
      kafkaDurability: "fsync",
      onFatal: (error) => assert.fail(error),
    });
    keyspace.start(broker);
    this.broker = broker;
    this.#keyspace = keyspace;
    const advertised = { host: undefined, port: undefined };
    const entrance = new Entrance({
      max: Infinity,
      maxName: "nothing",
      perAddressMax: 0,
      logger,
      timers: systemTimers,
    });
    for (const protocol of [
      redisProtocol(broker, keyspace),
      amqpProtocol(broker),
      kafkaProtocol(broker, advertised),
    ]) {
      const where = { host: "127.0.0.1", connectionHost: broker.ticker, clock: systemClock };
      const server = new Server({ protocol, ...where, entrance });
      this.#ports[protocol.name] = await server.listen(0);
      this.#servers.push(server);
    }
  }

  port(name: "redis" | "amqp" | "kafka"): number {
    return this.#ports[name]!;
  }

  async amqp(): Promise<ChannelModel> {
    const client = await amqp.connect(`amqp://guest:guest@127.0.0.1:${this.port("amqp")}?heartbeat=0`);
    client.on("error", () => {});
    this.#clients.push(client);
    return client;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.close().catch(() => {})));
    for (const server of this.#servers.splice(0)) await server.drain();
    this.#keyspace.stop();
    await this.broker.close();
    const { ok, lines } = await checkDataDirectory(this.directory);
    assert.ok(ok, lines.join("\n"));
  }

  async restart(): Promise<void> {
    await this.#close();
    await this.#open();
  }

  async stop(): Promise<void> {
    this.faulty.isFull = false;
    this.faulty.syncMs = 0;
    try {
      await this.#close();
    } finally {
      fs.rmSync(this.directory, { recursive: true, force: true });
    }
  }
}

async function serving(run: (served: Served) => Promise<void>): Promise<void> {
  const served = await Served.start();
  try {
    await run(served);
  } finally {
    await served.stop();
  }
}

test(
  "a disk that takes 200 ms to sync: the backlog is bounded, and all is confirmed",
  { timeout: testMsMax },
  () =>
    serving(async (served) => {
      const { broker } = served;
      served.faulty.syncMs = 200;
      const publishers = await Promise.all([1, 2, 3].map(() => served.amqp()));
      const channels = await Promise.all(publishers.map((client) => client.createConfirmChannel()));
      await channels[0]!.assertQueue("slow", { durable: true });
      const flow: string[] = [];
      publishers[0]!.on("blocked", () => flow.push("blocked"));
      publishers[0]!.on("unblocked", () => flow.push("unblocked"));
      let most = 0;
      const timer = setInterval(() => {
        most = Math.max(most, broker.storage.pending - broker.storage.durable);
      }, 1);
      const each = 600;
      const body = Buffer.alloc(100_000, "d");
      let confirmed = 0;
      for (const channel of channels) {
        for (let i = 0; i < each; i++) {
          channel.sendToQueue(
            "slow",
            body,
            { persistent: true },
            (error) => (confirmed += error === null ? 1 : 0),
          );
        }
      }
      await eventually(() => confirmed === 3 * each, "all confirms");
      clearInterval(timer);
      figure(`180 MB before a slow disk: the backlog was ${(most / mebibyte).toFixed(1)} MiB at most`);
      // What the system gives at once from each of the three.
      assert.ok(most < limits.journalBacklogBytesMax + 4 * mebibyte, `${most} bytes waited for the disk`);
      assert.ok(flow.includes("blocked"), "the bound was reached");
      await eventually(() => flow.at(-1) === "unblocked", "connection.unblocked");
      assert.equal((await channels[0]!.checkQueue("slow")).messageCount, 3 * each);
    }),
);

test(
  "a disk that is full for a while: nothing is acknowledged, changes are refused at once, nothing lost, memory bounded",
  { timeout: testMsMax },
  () =>
    serving(async (served) => {
      const { broker, faulty } = served;
      const idle = await served.amqp();
      const publisher = await served.amqp();
      const flow: string[] = [];
      publisher.on("blocked", () => flow.push("blocked"));
      publisher.on("unblocked", () => flow.push("unblocked"));
      idle.on("blocked", () => flow.push("idle"));
      const channel = await publisher.createConfirmChannel();
      await channel.assertQueue("full", { durable: true });
      const [first, second] = [
        await RawRedis.open(served.port("redis")),
        await RawRedis.open(served.port("redis")),
      ];
      const kafka = await KafkaWireClient.connect(served.port("kafka"));
      await kafka.request("CreateTopics", 2, {
        topics: [{ name: "topic", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 5000,
        validateOnly: false,
      });
      const body = Buffer.alloc(100_000, "d");
      let confirmed = 0;
      const send = (count: number): void => {
        for (let i = 0; i < count; i++) {
          channel.sendToQueue(
            "full",
            body,
            { persistent: true },
            (error) => (confirmed += error === null ? 1 : 0),
          );
        }
      };
      send(100);
      await eventually(() => confirmed === 100, "the first confirms");

      faulty.isFull = true;
      send(900);
      const added = first.call("XADD", "stream", "*", "body", "while full");
      await eventually(() => flow.includes("blocked"), "connection.blocked");
      assert.match(broker.storage.failure!.message, /ENOSPC/);
      const refused = second.call("XADD", "stream", "*", "body", "refused");
      const set = second.call("SET", "key", "refused");
      const options = { timestamp: Date.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
      const topicData = [
        { name: "topic", partitionData: [{ index: 0, records: makeBatch({ values: ["k"], ...options }) }] },
      ];
      const produced = kafka.request("Produce", 7, { acks: -1, timeoutMs: 5000, topicData });
      let isAdded = false;
      void added.then(() => (isAdded = true));
      const ticksBefore = broker.ticker.ticks;
      await delay(600);
      assert.equal(confirmed, 100);
      assert.equal(isAdded, false);
      // Refusals change nothing, so they need no disk.
      assert.match(await refused, /^-.*journal cannot be written/);
      assert.match(await set, /^-.*journal cannot be written/);
      const { errorCode } = (await produced).responses[0]!.partitionResponses[0]!;
      const storageError = 56;
      assert.equal(errorCode, storageError);
      const ticks = broker.ticker.ticks - ticksBefore;
      assert.ok(ticks < 50, `${ticks} tries in 600 ms`);
      const held = broker.storage.journal!.chunkBytesHeld;
      figure(
        `90 MB before a full disk: ${(held / mebibyte).toFixed(1)} MiB of journal in memory, ${ticks} ticks`,
      );
      assert.ok(held < 40 * mebibyte);

      faulty.isFull = false;
      await eventually(() => confirmed === 1000, "all confirms");
      assert.match(await added, /^\$/);
      await eventually(() => flow.at(-1) === "unblocked", "connection.unblocked");
      assert.ok(!flow.includes("idle"), "a connection that did not publish is not told");
      assert.equal(broker.storage.failure, null);
      assert.match(await second.call("XADD", "stream", "*", "body", "again"), /^\$/);
      const again = await kafka.request("Produce", 7, { acks: -1, timeoutMs: 5000, topicData });
      assert.equal(again.responses[0]!.partitionResponses[0]!.errorCode, 0);
      kafka.close();
      await Promise.all([first.close(), second.close()]);

      await served.restart();
      const after = await (await served.amqp()).createChannel();
      assert.equal((await after.checkQueue("full")).messageCount, 1000);
      const reader = await RawRedis.open(served.port("redis"));
      assert.equal(await reader.call("XLEN", "stream"), ":2\r\n");
      assert.equal(await reader.call("EXISTS", "key"), ":0\r\n");
      await reader.close();
    }),
);
