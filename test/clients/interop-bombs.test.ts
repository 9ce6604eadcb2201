/** Small batches of Kafka's that are large once decompressed, read by other protocols: bounded, and nothing is lost. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { Redis } from "ioredis";
import { limits } from "../../src/base/limits.ts";
import { codecs } from "../../src/message/compression.ts";
import { bomb } from "../support/kafka-bombs.ts";
import { startTestBroker, type TestBroker } from "../support/broker.ts";
import { KafkaClients, until } from "./kafka-support.ts";

/** Three of them are more than one reply decompresses. */
const bytes = limits.redisReplyInflatedBytesMax / 2;
const count = 5;

let broker: TestBroker;
let clients: KafkaClients;
let redis: Redis;

before(async () => {
  broker = await startTestBroker();
  clients = new KafkaClients(broker);
  redis = new Redis(broker.ports.redis, { lazyConnect: true });
  await redis.connect();
});
after(async () => {
  redis.disconnect();
  await clients.close();
  await broker.stop();
});

async function produce(name: string): Promise<void> {
  const client = await clients.wire();
  for (let i = 0; i < count; i++) {
    const partitionData = [{ index: 0, records: bomb(codecs.zstd, bytes) }];
    const topicData = [{ name, partitionData }];
    const body = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData };
    const { responses } = await client.request("Produce", 9, body);
    assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0);
  }
}

type Entries = [id: string, fields: string[]][];

test("XRANGE says what to do, and gets all of it by COUNT", async () => {
  await produce("ranged");
  await assert.rejects(redis.xrange("ranged", "-", "+"), /16 MiB of compressed Kafka batches.*COUNT/);
  let from = "-";
  let read = 0;
  for (;;) {
    const [entry] = await redis.xrange("ranged", from, "+", "COUNT", 1);
    if (entry === undefined) break;
    assert.equal(entry[1][1]!.length, bytes);
    from = `(${entry[0]}`;
    read++;
  }
  assert.equal(read, count);
  const both = redis.multi().xrange("ranged", "-", "+", "COUNT", 2).xrevrange("ranged", "+", "-", "COUNT", 2);
  const results = (await both.exec())!;
  assert.equal(results[0]![0], null);
  // One transaction is one reply.
  assert.match(String(results[1]![0]), /COUNT/);
});

test("XREAD and XREADGROUP give fewer entries at a time, each of them once", async () => {
  await produce("read");
  let from = "0";
  const sizes: number[] = [];
  for (;;) {
    const reply = (await redis.call("xread", "STREAMS", "read", from)) as [string, Entries][] | null;
    if (reply === null) break;
    const [, entries] = reply[0]!;
    sizes.push(entries.length);
    from = entries.at(-1)![0];
  }
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    count,
  );
  assert.ok(Math.max(...sizes) < count, sizes.join(" "));
  await redis.xgroup("CREATE", "read", "g", "0");
  const ids = new Set<string>();
  for (;;) {
    const reply = (await redis.call("xreadgroup", "GROUP", "g", "c", "STREAMS", "read", ">")) as
      | [string, Entries][]
      | null;
    if (reply === null) break;
    for (const [id] of reply[0]![1]) ids.add(id);
    const pending = (await redis.call("xpending", "read", "g")) as [number];
    assert.equal(pending[0], ids.size, "what is given is shown");
  }
  assert.equal(ids.size, count);
  const history = (await redis.call("xreadgroup", "GROUP", "g", "c", "STREAMS", "read", "0")) as [
    string,
    Entries,
  ][];
  assert.ok(history[0]![1].length > 0 && history[0]![1].length < count);
});

test("AMQP consumers of a queue and of a stream get all, over several turns", async () => {
  const connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createChannel();
  await channel.assertQueue("queue");
  await channel.assertQueue("stream", { arguments: { "x-queue-type": "stream" } });
  await produce("queue");
  await produce("stream");
  await channel.prefetch(100);
  const received: Record<string, number> = { queue: 0, stream: 0 };
  for (const name of ["queue", "stream"]) {
    await channel.consume(
      name,
      (message) => {
        assert.equal(message!.content.length, bytes);
        received[name]!++;
        channel.ack(message!);
      },
      { arguments: name === "stream" ? { "x-stream-offset": "first" } : {} },
    );
  }
  await until(() => received["queue"] === count && received["stream"] === count, "all messages");
  await connection.close();
});

test("more than the bound in one batch is refused, by every codec", async () => {
  const client = await clients.wire();
  for (const codec of [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd]) {
    const records = bomb(codec, limits.kafkaBatchInflatedBytesMax + 1000);
    const topicData = [{ name: "refused", partitionData: [{ index: 0, records }] }];
    const body = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData };
    const { responses } = await client.request("Produce", 9, body);
    const [result] = responses[0]!.partitionResponses;
    assert.equal(result!.errorCode, 10);
    assert.match(result!.errorMessage!, /decompressed; send smaller batches/);
  }
});
