/**
 * Readers stop at a log's last stable offset: what a transaction that is open has written, and what came behind it, is seen by
 * nobody but a Kafka client that reads uncommitted records. Through the sessions of all three protocols.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../../../src/storage/index.ts";
import { keyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { AmqpClient, streamTable } from "../../../sim/clients/amqp-client.ts";
import { recordsOf } from "../../../sim/clients/kafka-batch.ts";
import { KafkaClient } from "../../../sim/clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { SimDisk } from "../../../sim/disk.ts";
import { SimProcess } from "../../../sim/process.ts";
import { Seeded } from "../../../sim/seeded.ts";
import { SimTime } from "../../../sim/time.ts";

const readUncommitted = 0;
const readCommitted = 1;
const producer = 7;
const other = 8;
const stepsMax = 100_000;

/** A process with all protocols, whose clients get their answers while `settle` runs. */
class Rig {
  readonly time = new SimTime();
  readonly disk = new SimDisk(() => 0.5);
  readonly process: SimProcess;

  constructor() {
    this.process = new SimProcess({
      disk: this.disk,
      time: this.time,
      random: new Seeded(1),
      journalBytesMax: 1 << 20,
      redisStreamsDurability: "written",
      kafkaDurability: "fsync",
      turnBounds: {},
      keyspaceBounds,
      log: (line) => assert.fail(line),
    });
  }

  async step(): Promise<void> {
    if (this.disk.waiting > 0) await this.disk.step();
    for (const link of this.process.links) if (link.isBusy) link.step();
    if (this.time.hasTickEnd) this.time.endTick();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async until(isDone: () => boolean): Promise<void> {
    for (let steps = 0; !isDone(); steps++) {
      assert.ok(steps < stepsMax, "it did not come");
      await this.step();
    }
  }

  /** Until nothing moves any more. */
  async settle(): Promise<void> {
    const isBusy = (): boolean =>
      this.disk.waiting > 0 || this.time.hasTickEnd || [...this.process.links].some((link) => link.isBusy);
    for (let quiet = 0; quiet < 3; quiet = isBusy() ? 0 : quiet + 1) await this.step();
  }

  async start(): Promise<void> {
    let isUp = false;
    void this.process.start().then(() => (isUp = true));
    await this.until(() => isUp);
  }

  async restart(): Promise<void> {
    await this.process.stop(() => this.step());
    await this.start();
  }

  log(name: string): Log {
    const { log } = this.process.broker!.defaultVhost.queue(name);
    log.store.seal();
    return log;
  }

  async redis(...words: (string | number)[]): Promise<RedisReply> {
    const client = new RedisClient(this.process.connect("redis"));
    let reply: RedisReply | undefined;
    client.call(words, (got) => (reply = got));
    await this.until(() => reply !== undefined);
    client.cut();
    return reply!;
  }

  /** One more entry of the transaction, or of nobody. */
  async add(name: string, value: string, transaction: number | null = null): Promise<void> {
    const from = this.log(name).nextOffset;
    await this.redis("XADD", name, "*", "v", value);
    if (transaction !== null) this.log(name).addToTransaction(transaction, from, from + 1);
  }

  async fetch(name: string, isolationLevel: number, fetchOffset = 0, maxWaitMs = 0) {
    const answer = await this.kafka("Fetch", {
      maxWaitMs,
      minBytes: 1,
      isolationLevel,
      topics: [{ topic: name, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
    });
    const [partition] = answer.responses[0]!.partitions;
    const { highWatermark, lastStableOffset, records } = partition!;
    return {
      offsets: recordsOf(Buffer.from(records ?? [])).map(([offset]) => offset),
      hasBytes: (records?.length ?? 0) > 0,
      highWatermark,
      lastStableOffset,
    };
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- two requests of different forms
  async kafka(name: "Fetch" | "ListOffsets", body: any): Promise<any> {
    const client = new KafkaClient(this.process.connect("kafka"));
    let answer: unknown;
    client.request(name, name === "Fetch" ? 11 : 5, body, (got) => (answer = got));
    await this.until(() => answer !== undefined);
    client.cut();
    return answer;
  }

  async latest(name: string, isolationLevel: number): Promise<number> {
    const answer = await this.kafka("ListOffsets", {
      isolationLevel,
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    });
    return answer.topics[0].partitions[0].offset;
  }
}

/** The values of entries as XRANGE and XREAD show them. */
function values(entries: RedisReply): string[] {
  return (entries as [string, [string, string]][]).map(([, [, value]]) => value);
}

function valuesRead(reply: RedisReply): string[] | null {
  return reply === null ? null : values((reply as [string, RedisReply][])[0]![1]);
}

async function streamWithOpenTransaction(): Promise<Rig> {
  const rig = new Rig();
  await rig.start();
  await rig.redis("XADD", "s", "*", "v", "a");
  await rig.add("s", "b");
  rig.log("s").openTransaction(producer, rig.log("s").nextOffset);
  await rig.add("s", "c", producer);
  await rig.add("s", "d");
  return rig;
}

test("nobody sees what is not stable; a commit shows it, and wakes who waits", async () => {
  const rig = await streamWithOpenTransaction();
  const entries = async (): Promise<string[]> => values(await rig.redis("XRANGE", "s", "-", "+"));
  assert.equal(await rig.redis("XLEN", "s"), 2);
  assert.deepEqual(await entries(), ["a", "b"]);
  assert.deepEqual(values(await rig.redis("XREVRANGE", "s", "+", "-", "COUNT", 1)), ["b"]);
  assert.deepEqual(valuesRead(await rig.redis("XREAD", "STREAMS", "s", "0")), ["a", "b"]);
  await rig.redis("XGROUP", "CREATE", "s", "g", "0");
  assert.deepEqual(valuesRead(await rig.redis("XREADGROUP", "GROUP", "g", "x", "STREAMS", "s", ">")), [
    "a",
    "b",
  ]);
  const info = (await rig.redis("XINFO", "STREAM", "s")) as RedisReply[];
  assert.equal(info[info.indexOf("length") + 1], 2);
  assert.deepEqual(values([info[info.indexOf("last-entry") + 1]!]), ["b"]);
  assert.deepEqual(await rig.fetch("s", readCommitted), {
    offsets: [0, 1],
    hasBytes: true,
    highWatermark: 4,
    lastStableOffset: 2,
  });
  assert.deepEqual((await rig.fetch("s", readUncommitted)).offsets, [0, 1, 2, 3]);
  assert.equal((await rig.fetch("s", readCommitted, 2)).hasBytes, false);
  assert.deepEqual([await rig.latest("s", readCommitted), await rig.latest("s", readUncommitted)], [2, 4]);

  const delivered: string[] = [];
  const amqp = new AmqpClient(rig.process.connect("amqp"), { delivered: ({ body }) => delivered.push(body) });
  amqp.qos(100, () => {});
  amqp.consumeStream("s", () => {});
  let woken: RedisReply | undefined;
  const blocked = new RedisClient(rig.process.connect("redis"));
  blocked.call(["XREAD", "BLOCK", 0, "STREAMS", "s", "$"], (reply) => (woken = reply));
  let groupWoken: RedisReply | undefined;
  const member = new RedisClient(rig.process.connect("redis"));
  member.call(
    ["XREADGROUP", "GROUP", "g", "x", "BLOCK", 0, "STREAMS", "s", ">"],
    (reply) => (groupWoken = reply),
  );
  const longPoll = rig.fetch("s", readCommitted, 2, 60_000);
  await rig.settle();
  assert.equal(delivered.length, 2);
  assert.deepEqual([woken, groupWoken], [undefined, undefined]);

  rig.log("s").commit(producer);
  await rig.settle();
  assert.deepEqual((await longPoll).offsets, [2, 3]);
  assert.deepEqual(
    [valuesRead(woken!), valuesRead(groupWoken!)],
    [
      ["c", "d"],
      ["c", "d"],
    ],
  );
  assert.equal(delivered.length, 4);
  assert.deepEqual(await entries(), ["a", "b", "c", "d"]);
  assert.equal((await rig.fetch("s", readCommitted)).lastStableOffset, 4);
});

test("what was aborted is gone, and a Kafka client that is before it is taken past it", async () => {
  const rig = await streamWithOpenTransaction();
  const log = rig.log("s");
  log.openTransaction(other, log.nextOffset);
  await rig.add("s", "e", other);
  await rig.add("s", "f", producer);
  // The younger one ends first: the older one still holds back what is behind it.
  log.abort(other);
  assert.equal(log.stableEnd, 2);
  assert.equal(await rig.redis("XLEN", "s"), 2);
  assert.equal(await rig.redis("XTRIM", "s", "MAXLEN", 0), 2);
  assert.deepEqual([log.firstOffset, log.length], [2, 0]);
  log.abort(producer);
  await rig.settle();
  assert.equal(log.stableEnd, 6);
  assert.deepEqual(values(await rig.redis("XRANGE", "s", "-", "+")), ["d"]);
  assert.deepEqual((await rig.fetch("s", readCommitted, 2)).offsets, [3]);
  assert.deepEqual((await rig.fetch("s", readUncommitted, 2)).offsets, [3]);
  const end = await rig.fetch("s", readCommitted, 4);
  assert.deepEqual([end.offsets, end.hasBytes], [[], true]);
  assert.equal(await rig.redis("XLEN", "s"), 1);
});

test("consumers of a queue, basic.get and its counts see stable messages only", async () => {
  const rig = new Rig();
  await rig.start();
  const delivered: string[] = [];
  const amqp = new AmqpClient(rig.process.connect("amqp"), { delivered: ({ body }) => delivered.push(body) });
  amqp.declare("q", Buffer.alloc(0), () => {});
  amqp.publish("q", "a");
  await rig.settle();
  const queue = rig.process.broker!.defaultVhost.queue("q");
  const write = async (body: string, transaction: number): Promise<void> => {
    const from = rig.log("q").nextOffset;
    amqp.publish("q", body);
    await rig.settle();
    rig.log("q").addToTransaction(transaction, from, from + 1);
  };
  rig.log("q").openTransaction(producer, rig.log("q").nextOffset);
  await write("b", producer);
  let count: number | null = null;
  amqp.count("q", (got) => (count = got));
  await rig.settle();
  assert.equal(count, 1);
  const got: (string | undefined)[] = [];
  amqp.get("q", (delivery) => got.push(delivery?.body));
  amqp.get("q", (delivery) => got.push(delivery?.body));
  amqp.qos(10, () => {});
  amqp.consume("q", () => {});
  await rig.settle();
  assert.deepEqual([got, delivered, queue.readyCount], [["a", undefined], [], 0]);
  rig.log("q").commit(producer);
  await rig.settle();
  assert.deepEqual(delivered, ["b"]);
  rig.log("q").openTransaction(other, rig.log("q").nextOffset);
  await write("c", other);
  await write("d", other);
  rig.log("q").abort(other);
  amqp.publish("q", "e");
  await rig.settle();
  assert.deepEqual(delivered, ["b", "e"]);
  assert.equal(queue.readyCount, 0);
});

test("history counts what was aborted among what is settled", async () => {
  const rig = new Rig();
  await rig.start();
  const amqp = new AmqpClient(rig.process.connect("amqp"), {});
  amqp.declare("h", Buffer.alloc(0), () => {});
  await rig.settle();
  const queue = rig.process.broker!.defaultVhost.queue("h");
  queue.applyLayers({ policy: { "history-ms": 1e9 }, operatorPolicy: null });
  const from = queue.log.nextOffset;
  queue.log.openTransaction(producer, from);
  amqp.publish("h", "a");
  amqp.publish("h", "b");
  await rig.settle();
  rig.log("h").addToTransaction(producer, from, from + 2);
  assert.equal(queue.readyCount, 0);
  rig.log("h").abort(producer);
  amqp.publish("h", "c");
  await rig.settle();
  assert.equal(queue.readyCount, 1);
  queue.removeAt(from + 2);
  assert.equal(queue.readyCount, 0);
});

test("an open transaction survives a restart, and ends behind it", async () => {
  const rig = await streamWithOpenTransaction();
  await rig.restart();
  assert.equal(rig.log("s").stableEnd, 2);
  assert.equal(rig.log("s").isTransactionOpen(producer), true);
  assert.deepEqual(valuesRead(await rig.redis("XREAD", "STREAMS", "s", "0")), ["a", "b"]);
  await rig.add("s", "e", producer);
  // Its state in full, and what changed since.
  await rig.restart();
  rig.log("s").abort(producer);
  await rig.add("s", "f");
  await rig.restart();
  assert.equal(rig.log("s").isTransactionOpen(producer), false);
  assert.deepEqual(values(await rig.redis("XRANGE", "s", "-", "+")), ["a", "b", "d", "f"]);
  assert.deepEqual((await rig.fetch("s", readCommitted)).offsets, [0, 1, 3, 5]);
});

test("a stream that is declared reads as one that is written to", async () => {
  const rig = new Rig();
  await rig.start();
  const amqp = new AmqpClient(rig.process.connect("amqp"), {});
  amqp.declare("d", streamTable, () => {});
  await rig.settle();
  rig.log("d").openTransaction(producer, 0);
  await rig.add("d", "a", producer);
  assert.equal(await rig.redis("XLEN", "d"), 0);
  assert.equal(await rig.redis("XREAD", "STREAMS", "d", "0"), null);
  rig.log("d").commit(producer);
  assert.equal(await rig.redis("XLEN", "d"), 1);
});
