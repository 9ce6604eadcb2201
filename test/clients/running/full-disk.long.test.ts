/**
 * A real disk that is full: publishers wait and are told, everything else goes on, so that what is stored can be drained;
 * then publishers go on by themselves. Nothing that was acknowledged is lost.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import amqp, { type ChannelModel } from "amqplib";
import { TestBroker } from "../../support/broker.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noSmallDisk, SmallDisk } from "../../support/small-disk.ts";
import { waitMsMax } from "../../support/wait.ts";
import { eventually, mebibyte, testMsMax } from "../flow/flow-support.ts";

const diskMebibytes = 64;
const body = Buffer.alloc(100_000, "d");

interface Scene {
  readonly disk: SmallDisk;
  readonly broker: TestBroker;
  /** An AMQP connection, closed at the end. */
  readonly connect: () => Promise<ChannelModel>;
}

async function onSmallDisk(run: (scene: Scene) => Promise<void>): Promise<void> {
  const disk = new SmallDisk(diskMebibytes);
  const broker = new TestBroker({ dataDir: disk.dataDir });
  const clients: ChannelModel[] = [];
  const connect = async (): Promise<ChannelModel> => {
    const client = await amqp.connect(`${broker.amqpUrl}?heartbeat=0`);
    client.on("error", () => {});
    clients.push(client);
    return client;
  };
  try {
    await broker.start();
    await run({ disk, broker, connect });
    await Promise.all(clients.map((client) => client.close().catch(() => {})));
    await broker.stop();
  } finally {
    await broker.kill().catch(() => {});
    disk.remove();
  }
}

/** Fails, and says what was asked, when no answer comes. */
async function answered<T>(what: string, answer: Promise<T>): Promise<T> {
  const late = Symbol("late");
  const first = await Promise.race([answer, delay(waitMsMax, late, { ref: false })]);
  if (first === late) assert.fail(`${what}: no answer within ${waitMsMax} ms`);
  return first;
}

async function readiness(broker: TestBroker): Promise<{ status: number; text: string }> {
  const reply = await fetch(`http://127.0.0.1:${broker.ports.http}/readyz`);
  return { status: reply.status, text: await reply.text() };
}

function untilReadiness(broker: TestBroker, status: 200 | 503): Promise<boolean> {
  return eventually(async () => (await readiness(broker)).status === status, `readiness ${status}`);
}

/**
 * What a client must be able to do while the disk is full. False where it is not, and nothing is left behind: while the
 * cleaner moves things they take space twice, so a disk that became full during that has room again for a moment.
 */
async function isServedWhileFull(broker: TestBroker): Promise<boolean> {
  const client = await answered("a new connection", RawRedis.open(broker.ports.redis));
  const isRefused = async (...words: string[]): Promise<boolean> => {
    const reply = await answered(words[0]!, client.call(...words));
    if (reply.startsWith("+") || reply.startsWith("$")) return false;
    assert.match(
      reply,
      /^-MISCONF the disk of .* is full: .* are free, less than the .* that --disk-free-bytes-min keeps .* deletes, which go on; free disk space/,
    );
    return true;
  };
  try {
    assert.equal(await answered("PING", client.call("PING")), "+PONG\r\n");
    assert.equal(await answered("GET", client.call("GET", "small")), "$5\r\nvalue\r\n");
    assert.match(await answered("XRANGE", client.call("XRANGE", "stream", "-", "+")), /^\*1\r\n/);
    if (!(await isRefused("SET", "more", "x"))) return false;
    if (!(await isRefused("XADD", "more-stream", "*", "b", "x"))) return false;
    assert.equal(await client.call("MULTI"), "+OK\r\n");
    if (!(await isRefused("SET", "more", "x"))) return false;
    assert.match(await client.call("EXEC"), /^-EXECABORT /);
    return true;
  } finally {
    await client.call("DEL", "more", "more-stream");
    await client.close();
  }
}

test(
  "publishers fill the disk: they wait, the rest goes on, and when it is drained they go on",
  { skip: noSmallDisk, timeout: testMsMax },
  () =>
    onSmallDisk(async ({ broker, connect }) => {
      const redis = await RawRedis.open(broker.ports.redis);
      await redis.call("SET", "small", "value");
      await redis.call("XADD", "stream", "*", "b", "first");
      const kafka = await KafkaWireClient.connect(broker.ports.kafka);
      await kafka.request("CreateTopics", 2, {
        topics: [{ name: "topic", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 5000,
        validateOnly: false,
      });
      const produce = async (): Promise<number> => {
        const options = { timestamp: Date.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
        const topicData = [
          { name: "topic", partitionData: [{ index: 0, records: makeBatch({ values: ["k"], ...options }) }] },
        ];
        const reply = await answered(
          "Produce",
          kafka.request("Produce", 7, { acks: -1, timeoutMs: 5000, topicData }),
        );
        return reply.responses[0]!.partitionResponses[0]!.errorCode;
      };
      assert.equal(await produce(), 0);

      const publisher = await connect();
      const idle = await connect();
      const flow: string[] = [];
      publisher.on("blocked", (reason: string) => flow.push(`blocked: ${reason}`));
      publisher.on("unblocked", () => flow.push("unblocked"));
      let isIdleTold = false;
      idle.on("blocked", () => (isIdleTold = true));
      const channel = await publisher.createConfirmChannel();
      await channel.assertQueue("q", { durable: true });
      const count = 800;
      let confirmed = 0;
      for (let i = 0; i < count; i++) {
        channel.sendToQueue("q", body, { persistent: true, messageId: String(i) }, (error) => {
          if (error === null) confirmed++;
        });
      }
      await eventually(() => flow.length > 0, "connection.blocked");
      assert.equal(flow[0], "blocked: low on disk");
      const storageError = 56;
      await eventually(async () => {
        if (!(await isServedWhileFull(broker)) || (await produce()) !== storageError) return false;
        const { status, text } = await readiness(broker);
        if (status !== 503 || (await broker.metric("troikamq_disk_full")) !== 1) return false;
        assert.match(text, /the disk of .* is full/);
        return true;
      }, "a full disk, of which all are told");
      const before = confirmed;
      assert.ok(before > 200 && before < count, `${before} confirmed before the disk was full`);

      const consumer = await (await answered("a new consumer", connect())).createChannel();
      const seen = new Set<string>();
      await consumer.prefetch(50);
      await consumer.consume("q", (message) => {
        seen.add(message!.properties.messageId as string);
        consumer.ack(message!);
      });
      await eventually(() => confirmed === count && seen.size === count, "all is confirmed and consumed");
      await eventually(() => flow.at(-1) === "unblocked", "connection.unblocked");
      assert.ok(!isIdleTold, "who publishes nothing is not told");
      await untilReadiness(broker, 200);
      assert.equal(await produce(), 0);
      assert.equal(await redis.call("SET", "more", "x"), "+OK\r\n");
      await broker.logged("the disk has room again");
      const lines = broker.log.split("\n").filter((line) => line.includes("the disk"));
      assert.ok(
        lines.some((line) => / error the disk is nearly full: publishers wait/.test(line)),
        broker.log,
      );
      assert.ok(
        lines.some((line) => / info the disk has room again/.test(line)),
        broker.log,
      );
      assert.ok(lines.length < 20, `${lines.length} lines`);
      kafka.close();
      await redis.close();
    }),
);

test(
  "one client alone fills the disk: it is refused, goes on reading, and makes room itself",
  { skip: noSmallDisk, timeout: testMsMax },
  () =>
    onSmallDisk(async ({ broker }) => {
      const redis = await RawRedis.open(broker.ports.redis);
      const call = (...words: (string | Buffer)[]): Promise<string> =>
        answered(String(words[0]), redis.call(...words));
      // In one piece, so that the disk becomes low amid commands that have come already.
      const many = (...words: (string | Buffer)[]): Promise<string[]> =>
        Promise.all(Array.from({ length: 20 }, () => call(...words)));
      for (const [add, free] of [
        [
          ["XADD", "s", "*", "f", body],
          ["DEL", "s"],
        ],
        [
          ["XADD", "s", "*", "f", body],
          ["XTRIM", "s", "MAXLEN", "0"],
        ],
        [
          ["RPUSH", "l", body],
          ["DEL", "l"],
        ],
      ] as const) {
        for (let i = 0; ; i++) {
          assert.ok(i < 100, "the disk was never full");
          const replies = await many(...add);
          if (replies.some((reply) => reply.startsWith("-MISCONF"))) break;
        }
        assert.equal(await call("PING"), "+PONG\r\n");
        assert.match(await call(...free), /^:[1-9]/);
        await eventually(async () => /^[$:]/.test(await call(...add)), "room again");
        await call("FLUSHALL");
      }
      await redis.close();
    }),
);

test(
  "one producer alone fills the disk: it is refused, and goes on asking for other things",
  { skip: noSmallDisk, timeout: testMsMax },
  () =>
    onSmallDisk(async ({ broker }) => {
      const kafka = await KafkaWireClient.connect(broker.ports.kafka);
      await kafka.request("CreateTopics", 2, {
        topics: [{ name: "topic", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 5000,
        validateOnly: false,
      });
      const options = { timestamp: Date.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
      const records = makeBatch({ values: [body.toString()], ...options });
      const topicData = [{ name: "topic", partitionData: [{ index: 0, records }] }];
      const produce = async (): Promise<number> => {
        const request = { acks: -1, timeoutMs: 5000, topicData };
        const reply = await answered("Produce", kafka.request("Produce", 7, request));
        return reply.responses[0]!.partitionResponses[0]!.errorCode;
      };
      const storageError = 56;
      for (let i = 0; ; i++) {
        assert.ok(i < 1000, "the disk was never full");
        if ((await produce()) === storageError) break;
      }
      const topics = [{ name: "topic", partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
      const offsets = await answered(
        "ListOffsets",
        kafka.request("ListOffsets", 2, { replicaId: -1, isolationLevel: 0, topics }),
      );
      assert.ok(offsets.topics[0]!.partitions[0]!.offset > 100);
      await answered(
        "DeleteTopics",
        kafka.request("DeleteTopics", 1, { topicNames: ["topic"], timeoutMs: 5000 }),
      );
      kafka.close();
    }),
);

test(
  "keys fill the disk: deletes make room, which comes back",
  { skip: noSmallDisk, timeout: testMsMax },
  () =>
    onSmallDisk(async ({ broker, disk }) => {
      const redis = await RawRedis.open(broker.ports.redis);
      await redis.call("SET", "small", "value");
      await redis.call("XADD", "stream", "*", "b", "first");
      let keys = 0;
      do {
        while ((await redis.call("SET", `key:${keys}`, body)) === "+OK\r\n") keys++;
      } while (!(await isServedWhileFull(broker)));
      assert.ok(keys > 300, `${keys} keys`);
      const full = disk.freeBytes;
      for (let i = 0; i < keys; i += 2)
        assert.equal(await answered("DEL", redis.call("DEL", `key:${i}`)), ":1\r\n");
      await untilReadiness(broker, 200);
      await eventually(() => disk.freeBytes > full + 6 * mebibyte, "the deletes have freed space");
      assert.equal(await redis.call("SET", "key:0", body), "+OK\r\n");
      await broker.kill();
      await broker.restart();
      const again = await RawRedis.open(broker.ports.redis);
      assert.equal(await again.call("DBSIZE"), `:${Math.floor(keys / 2) + 3}\r\n`);
      await again.close();
      await redis.close();
    }),
);

test(
  "others fill the disk to the last byte: the reserve takes acknowledgements and deletes, a stop and a start",
  { skip: noSmallDisk, timeout: testMsMax },
  () =>
    onSmallDisk(async ({ broker, disk, connect }) => {
      const redis = await RawRedis.open(broker.ports.redis);
      await redis.call("SET", "small", "value");
      await redis.call("XADD", "stream", "*", "b", "first");
      for (let i = 0; i < 100; i++) await redis.call("SET", `key:${i}`, "v");
      const channel = await (await connect()).createConfirmChannel();
      await channel.assertQueue("q", { durable: true });
      for (let i = 0; i < 100; i++) channel.sendToQueue("q", Buffer.from(String(i)), { persistent: true });
      await channel.waitForConfirms();
      assert.ok((await broker.metric("troikamq_disk_reserve_bytes")) > 0, "no reserve");
      disk.fill(0);
      await untilReadiness(broker, 503);
      await eventually(() => isServedWhileFull(broker), "a full disk");
      for (let i = 0; i < 50; i++) {
        disk.fill(0);
        assert.equal(await answered("DEL", redis.call("DEL", `key:${i}`)), ":1\r\n");
      }
      const consumer = await (await answered("a new consumer", connect())).createChannel();
      for (let i = 0; i < 50; i++) {
        const message = await answered("basic.get", consumer.get("q"));
        assert.ok(message !== false);
        assert.equal(message.content.toString(), String(i));
        consumer.ack(message);
      }
      await answered("a passive declare", consumer.checkQueue("q"));
      await redis.close();
      assert.equal(await broker.kill("SIGTERM"), 0, broker.log);
      await broker.check();
      disk.fill(0);
      await broker.start();
      await eventually(() => isServedWhileFull(broker), "a full disk");
      const after = await (await connect()).createChannel();
      assert.equal((await after.checkQueue("q")).messageCount, 50);
      await broker.kill();
      disk.fill(0);
      await broker.start();
      await eventually(() => isServedWhileFull(broker), "a full disk");
      disk.empty();
      await untilReadiness(broker, 200);
      const last = await RawRedis.open(broker.ports.redis);
      // 50 keys, two others, and the queue.
      assert.equal(await last.call("DBSIZE"), ":53\r\n");
      assert.equal(await last.call("SET", "more", "x"), "+OK\r\n");
      await last.close();
      const reader = await (await connect()).createChannel();
      assert.equal((await reader.checkQueue("q")).messageCount, 50);
    }),
);

test(
  "a message that the disk has no room for is refused, and nobody else notices",
  { skip: noSmallDisk, timeout: testMsMax },
  () =>
    onSmallDisk(async ({ broker, connect }) => {
      const client = await connect();
      const closed = new Promise<string>((resolve) =>
        client.once("error", (error: Error) => resolve(error.message)),
      );
      const channel = await client.createConfirmChannel();
      channel.on("error", () => {});
      await channel.assertQueue("q", { durable: true });
      channel.sendToQueue("q", Buffer.alloc(70 << 20), { persistent: true });
      assert.match(await closed, /no room for 73400320 bytes/);
      const redis = await RawRedis.open(broker.ports.redis);
      assert.match(await redis.call("SET", "big", Buffer.alloc(70 << 20)), /^-MISCONF .*no room for/);
      assert.equal(await redis.call("SET", "small", "value"), "+OK\r\n");
      await redis.close();
    }),
);

test(
  "a disk that takes nothing, and a stop: it ends, with code 1 and a line; what was acknowledged is there",
  { skip: noSmallDisk, timeout: testMsMax },
  async () => {
    const disk = new SmallDisk(diskMebibytes);
    const broker = disk.brokerWithoutReserve();
    try {
      await broker.start();
      const redis = await RawRedis.open(broker.ports.redis);
      let kept = 0;
      const adding = (async () => {
        while ((await redis.call("XADD", "stream", "*", "b", Buffer.alloc(10_000))).startsWith("$")) kept++;
      })();
      await eventually(async () => (await broker.metric("troikamq_disk_full")) === 2, "that it notices");
      assert.ok(kept > 10, `${kept} were added`);
      assert.equal(await broker.kill("SIGTERM"), 1);
      await adding;
      assert.match(
        broker.log,
        / error the journal cannot be written: changes of data are refused or wait, .* error="ENOSPC/,
      );
      assert.match(
        broker.log,
        /troikamq: what was not acknowledged yet could not be written at the end: ENOSPC/,
      );
      disk.empty();
      await broker.start();
      const again = await RawRedis.open(broker.ports.redis);
      assert.equal(await again.call("XLEN", "stream"), `:${kept}\r\n`);
      await again.close();
      await broker.stop();
    } finally {
      await broker.kill().catch(() => {});
      disk.remove();
    }
  },
);
