/**
 * A disk that takes nothing at all: what reads goes on, on new connections too; what changes data is refused or waits;
 * nothing is told that is not written, whatever it is; a stop ends soon.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import amqp from "amqplib";
import { limits } from "../../../src/base/limits.ts";
import { TestBroker } from "../../support/broker.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noSmallDisk, SmallDisk } from "../../support/small-disk.ts";
import { testMsMax } from "../flow/flow-support.ts";

const diskMebibytes = 64;
const answerMsMax = 5000;
const storageError = 56;
/** What a stop takes beside the wait for the disk: the process's own end, on a machine that has other work. */
const endMsMax = 3000;

/** Fails when the answer does not come soon. */
async function soon<T>(what: string, answer: Promise<T>): Promise<T> {
  const late = Symbol("late");
  const first = await Promise.race([answer, delay(answerMsMax, late, { ref: false })]);
  if (first === late) assert.fail(`${what}: no answer within ${answerMsMax} ms`);
  return first;
}

async function untilFull(broker: TestBroker, wanted: number): Promise<void> {
  for (let i = 0; (await broker.metric("troikamq_disk_full")) !== wanted; i++) {
    assert.ok(i < 400, `troikamq_disk_full does not become ${wanted}`);
    await delay(50);
  }
}

const producer = { timestamp: 1_700_000_000_000, producerId: -1, producerEpoch: -1, baseSequence: -1 };

async function produce(kafka: KafkaWireClient, value: string): Promise<number> {
  const records = makeBatch({ values: [value], ...producer });
  const topicData = [{ name: "topic", partitionData: [{ index: 0, records }] }];
  const reply = await soon("Produce", kafka.request("Produce", 7, { acks: -1, timeoutMs: 5000, topicData }));
  return reply.responses[0]!.partitionResponses[0]!.errorCode;
}

async function endOffset(kafka: KafkaWireClient): Promise<number> {
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }];
  const reply = await soon(
    "ListOffsets",
    kafka.request("ListOffsets", 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "topic", partitions }],
    }),
  );
  return reply.topics[0]!.partitions[0]!.offset;
}

test(
  "reads and new connections of all protocols go on; changes are refused or wait, and are there when it takes them",
  { skip: noSmallDisk, timeout: testMsMax },
  async () => {
    const disk = new SmallDisk(diskMebibytes);
    const broker = disk.brokerWithoutReserve();
    try {
      await broker.start();
      const redis = await RawRedis.open(broker.ports.redis);
      await redis.call("SET", "key", "value");
      await redis.call("XADD", "quiet", "1-1", "f", "v");
      const producing = await KafkaWireClient.connect(broker.ports.kafka);
      await producing.request("CreateTopics", 2, {
        topics: [{ name: "topic", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 5000,
        validateOnly: false,
      });
      assert.equal(await produce(producing, "first"), 0);
      const publisher = await amqp.connect(`${broker.amqpUrl}?heartbeat=0`);
      publisher.on("error", () => {});
      const channel = await publisher.createConfirmChannel();
      await channel.assertQueue("q", { durable: true });
      channel.sendToQueue("q", Buffer.from("m"), { persistent: true });
      await channel.waitForConfirms();

      const filler = await RawRedis.open(broker.ports.redis);
      let kept = 0;
      let last = "";
      const filling = (async () => {
        for (;;) {
          last = await filler.call("XADD", "stream", "*", "b", Buffer.alloc(10_000));
          if (!last.startsWith("$")) return;
          kept++;
        }
      })();
      filling.catch(() => {});
      await untilFull(broker, 2);

      const client = await soon("a new Redis connection", RawRedis.open(broker.ports.redis));
      assert.equal(await soon("PING", client.call("PING")), "+PONG\r\n");
      assert.match(await soon("INFO", client.call("INFO", "server")), /redis_version/);
      assert.equal(await soon("GET", client.call("GET", "key")), "$5\r\nvalue\r\n");
      assert.match(await soon("XRANGE", client.call("XRANGE", "quiet", "-", "+")), /^\*1\r\n/);
      for (const words of [
        ["SET", "key", "x"],
        ["XADD", "quiet", "*", "f", "v"],
        ["DEL", "key"],
      ] as const)
        assert.match(await soon(words[0], client.call(...words)), /^-MISCONF the journal cannot be written/);
      assert.equal(await soon("GET", client.call("GET", "key")), "$5\r\nvalue\r\n");
      // The entry that the disk refused is in the stream, and nobody may be told before it is written.
      const unwritten = await RawRedis.open(broker.ports.redis);
      let told = "";
      const telling = unwritten.call("XLEN", "stream").then((reply) => (told = reply));
      assert.equal(await soon("PING beside it", client.call("PING")), "+PONG\r\n");

      const kafka = await soon("a new Kafka connection", KafkaWireClient.connect(broker.ports.kafka));
      assert.equal(await endOffset(kafka), 1);
      assert.equal(await produce(kafka, "second"), storageError);
      assert.equal(await endOffset(kafka), 1);

      const idle = await soon("a new AMQP connection", amqp.connect(`${broker.amqpUrl}?heartbeat=1`));
      idle.on("error", () => {});
      const looking = await soon("a new channel", idle.createChannel());
      assert.equal((await soon("a passive declare", looking.checkQueue("q"))).messageCount, 1);

      const ready = await fetch(`http://127.0.0.1:${broker.ports.http}/readyz`);
      assert.equal(ready.status, 503);
      assert.match(await ready.text(), /ENOSPC/);
      const errors = broker.log.split("\n").filter((line) => line.includes(" error "));
      assert.equal(errors.length, 1, broker.log);
      assert.match(
        errors[0]!,
        /the journal cannot be written: .* free disk space or repair the disk: .* error="ENOSPC/,
      );
      assert.equal(told, "");
      const acknowledged = kept;

      disk.empty();
      await untilFull(broker, 0);
      await telling;
      assert.match(told, /^:\d+\r\n$/);
      await filler.close();
      await filling.catch(() => {});
      // The one that the disk refused at first is among them.
      assert.equal(Number(told.slice(1)), acknowledged + 1);
      assert.ok(acknowledged > 10, last);
      assert.equal(await soon("SET", client.call("SET", "key", "new")), "+OK\r\n");
      assert.equal(await produce(kafka, "second"), 0);
      for (const each of [client, unwritten, redis]) await each.close();
      for (const each of [kafka, producing]) each.close();
      for (const each of [idle, publisher]) await each.close();
      await broker.stop();
    } finally {
      await broker.kill().catch(() => {});
      disk.remove();
    }
  },
);

test(
  "SIGTERM while the disk takes nothing, with clients that wait and clients that are idle",
  { skip: noSmallDisk, timeout: testMsMax },
  async () => {
    const disk = new SmallDisk(diskMebibytes);
    const broker = disk.brokerWithoutReserve();
    try {
      await broker.start();
      const filler = await RawRedis.open(broker.ports.redis);
      const filling = (async () => {
        while ((await filler.call("XADD", "stream", "*", "b", Buffer.alloc(10_000))).startsWith("$"));
      })();
      filling.catch(() => {});
      await untilFull(broker, 2);
      const idle = await amqp.connect(`${broker.amqpUrl}?heartbeat=0`);
      idle.on("error", () => {});
      const waiting = await RawRedis.open(broker.ports.redis);
      void waiting.call("XLEN", "stream").catch(() => {});
      const began = performance.now();
      assert.equal(await broker.kill("SIGTERM"), 1, broker.log);
      const ms = performance.now() - began;
      assert.ok(ms < limits.diskStopMsMax + endMsMax, `it took ${ms} ms to end`);
    } finally {
      await broker.kill().catch(() => {});
      disk.remove();
    }
  },
);

/** No write beyond so many bytes of any file works, as on a disk that fails; false where the system cannot do it. */
function limitFiles(pid: number, bytes: "0" | "unlimited"): boolean {
  return spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]).status === 0;
}

const noLimits: string | false = limitFiles(process.pid, "unlimited")
  ? false
  : "NOT TESTED: needs prlimit (Linux)";

const newTopic = (name: string) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
});
const basicAuth = `Basic ${Buffer.from("guest:guest").toString("base64")}`;

test(
  "what was changed when the disk failed is told to nobody before it is written: names, groups, positions, users, queues",
  { skip: noLimits, timeout: testMsMax },
  async () => {
    const broker = new TestBroker({ args: ["--disk-free-bytes-min", "0"] });
    try {
      await broker.start();
      const redis = () => RawRedis.open(broker.ports.redis);
      const kafka = () => KafkaWireClient.connect(broker.ports.kafka);
      const channel = async () => {
        const connection = await amqp.connect(`${broker.amqpUrl}?heartbeat=0`);
        connection.on("error", () => {});
        const opened = await connection.createChannel();
        opened.on("error", () => {});
        return opened;
      };
      const first = await redis();
      for (const words of [
        ["SET", "old", "v"],
        ["XADD", "s", "1-1", "f", "v"],
        ["XADD", "gone", "1-1", "f", "v"],
        ["XGROUP", "CREATE", "s", "g", "0"],
        ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"],
      ])
        assert.doesNotMatch(await first.call(...words), /^-/);
      const defining = await channel();
      await defining.assertQueue("deleted", { durable: true });

      // Their requests come in the turn whose write is the first that fails.
      const changer = await redis();
      const [topics, commits] = [await kafka(), await kafka()];
      const told: string[] = [];
      const change = (what: string, answer: Promise<unknown>): void => {
        answer.then(
          // What came a turn later is refused.
          (reply) => void (String(reply).startsWith("-MISCONF") || told.push(what)),
          () => {},
        );
      };
      assert.ok(limitFiles(broker.pid, "0"));
      process.kill(broker.pid, "SIGSTOP");
      change("SET", changer.call("SET", "new", "v"));
      change("XACK", changer.call("XACK", "s", "g", "1-1"));
      change("XGROUP", changer.call("XGROUP", "CREATE", "s", "g2", "0"));
      change("DEL", changer.call("DEL", "gone"));
      change("ACL", changer.call("ACL", "SETUSER", "bob", "on", ">pw", "+@all", "~*"));
      change("XADD", changer.call("XADD", "s", "1-2", "f", "v"));
      change("queue.delete", defining.deleteQueue("deleted"));
      change(
        "CreateTopics",
        topics
          .request("CreateTopics", 2, {
            topics: [newTopic("made")],
            timeoutMs: 5000,
            validateOnly: false,
          })
          .then((reply) => (reply.topics[0]!.errorCode === 0 ? "" : "-MISCONF")),
      );
      const committed = { partitionIndex: 0, committedOffset: 1, committedMetadata: "" };
      change(
        "OffsetCommit",
        commits.request("OffsetCommit", 2, {
          groupId: "kg",
          generationIdOrMemberEpoch: -1,
          memberId: "",
          retentionTimeMs: -1,
          topics: [{ name: "s", partitions: [committed] }],
        }),
      );
      const user = `http://127.0.0.1:${broker.ports.http}/api/users`;
      const headers = { authorization: basicAuth, "content-type": "application/json" };
      change(
        "PUT",
        fetch(`${user}/eve`, { method: "PUT", headers, body: '{"password":"x","tags":""}' }).then(
          ({ status }) => assert.equal(status, 201),
        ),
      );
      process.kill(broker.pid, "SIGCONT");
      await untilFull(broker, 2);

      const ask = async (...words: string[]) => (await redis()).call(...words);
      const looks: Record<string, Promise<unknown>> = {
        KEYS: ask("KEYS", "*"),
        SCAN: ask("SCAN", "0"),
        DBSIZE: ask("DBSIZE"),
        INFO: ask("INFO", "keyspace"),
        EXISTS: ask("EXISTS", "gone"),
        TYPE: ask("TYPE", "gone"),
        XLEN: ask("XLEN", "s"),
        "XLEN again": ask("XLEN", "s"),
        XPENDING: ask("XPENDING", "s", "g"),
        XINFO: ask("XINFO", "GROUPS", "s"),
        ACL: ask("ACL", "USERS"),
        AUTH: ask("AUTH", "bob", "pw"),
        Metadata: (await kafka()).request("Metadata", 4, {
          topics: [{ name: "made" }],
          allowAutoTopicCreation: false,
        }),
        OffsetFetch: (await kafka()).request("OffsetFetch", 5, { groupId: "kg", topics: null }),
        ListGroups: (await kafka()).request("ListGroups", 2, {}),
        users: fetch(user, { headers }).then((response) => assert.equal(response.status, 200)),
      };
      for (const [what, answer] of Object.entries(looks)) change(what, answer);
      const client = await redis();
      for (let i = 0; i < 3; i++) {
        assert.equal(await soon("PING", client.call("PING")), "+PONG\r\n");
        assert.equal(await soon("GET", client.call("GET", "old")), "$1\r\nv\r\n");
        await delay(100);
      }
      assert.deepEqual(told, []);

      assert.ok(limitFiles(broker.pid, "unlimited"));
      await untilFull(broker, 0);
      // With the topic, if its request came in the turn of the others.
      assert.match(String(await soon("DBSIZE", looks["DBSIZE"]!)), /^:[34]\r\n$/);
      assert.equal(await soon("EXISTS", looks["EXISTS"]!), ":0\r\n");
      assert.equal(await soon("XLEN", looks["XLEN"]!), ":2\r\n");
      assert.equal(await soon("AUTH", looks["AUTH"]!), "+OK\r\n");
      for (const [what, answer] of Object.entries(looks)) await soon(what, answer);
    } finally {
      await broker.kill().catch(() => {});
    }
  },
);
