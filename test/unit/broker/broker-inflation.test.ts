/** Stored batches that are large once decompressed: how many of them one turn reads, for consumers and dead letters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import type { QueueConsumer } from "../../../src/broker/queue/readers.ts";
import { AmqpView } from "../../../src/message/convert/as-amqp.ts";
import { codecs } from "../../../src/message/kafka/compression.ts";
import { kafkaFrames } from "../../../src/message/convert/kafka-frame.ts";
import { KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { appendBatch } from "../../../src/protocols/kafka/produce/log.ts";
import { bomb } from "../../support/kafka-bombs.ts";
import { ManualTimers, openBroker } from "../../support/kafka-session.ts";

const bytes = limits.turnInflatedBytesMax / 2;

function makeQueue(broker: Broker, name: string, args: Record<string, string | number> = {}): Queue {
  const options = {
    name,
    kind: "queue",
    durable: false,
    exclusiveOwner: 0,
    autoDelete: false,
    args,
  } as const;
  return broker.defaultVhost.declareQueue(options);
}

function store(queue: Queue, count: number): void {
  const batch = new KafkaBatch();
  for (let i = 0; i < count; i++) {
    batch.reset(bomb(codecs.zstd, bytes)).next();
    appendBatch(queue.log.group, batch, 1);
  }
}

class Reader implements QueueConsumer {
  readonly id: number;
  readonly priority = 0;
  readonly isNoAck = true;
  readonly isExclusive = false;
  isParked = false;
  readonly #view = new AmqpView();
  read = 0;

  constructor(id: number) {
    this.id = id;
  }

  canTake(): boolean {
    return true;
  }

  deliver(_queue: Queue, cursor: Parameters<QueueConsumer["deliver"]>[1]): void {
    this.#view.show(cursor.record);
    this.read++;
  }

  cancelled(): void {}
}

test("consumers get what one turn decompresses, in turns, until they have all of it", async () => {
  const timers = new ManualTimers();
  const broker = await openBroker(timers);
  const queues = ["a", "b", "c"].map((name) => makeQueue(broker, name));
  const readers = queues.map((queue, i) => {
    store(queue, 6);
    const reader = new Reader(i + 1);
    queue.addConsumer(reader);
    return reader;
  });
  const shares: string[] = [];
  for (let turn = 0; turn < 40 && readers.some(({ read }) => read < 6); turn++) {
    const before = kafkaFrames.inflatedBytes;
    timers.endTick();
    const inflated = kafkaFrames.inflatedBytes - before;
    assert.ok(inflated <= limits.turnInflatedBytesMax + 2 * bytes, `${inflated} bytes in one turn`);
    shares.push(readers.map(({ read }) => read).join(" "));
    const counts = readers.map(({ read }) => read);
    assert.ok(
      Math.max(...counts) - Math.min(...counts) <= 3,
      `one waits for the others: ${shares.join(", ")}`,
    );
  }
  assert.deepEqual(
    readers.map(({ read }) => read),
    [6, 6, 6],
  );
});

test("what is stored as it is shown waits for nothing", async () => {
  const timers = new ManualTimers();
  const broker = await openBroker(timers);
  const [large, small] = [makeQueue(broker, "large"), makeQueue(broker, "small")];
  store(large, 6);
  const batch = new KafkaBatch();
  batch.reset(bomb(codecs.none, 100)).next();
  for (let i = 0; i < 100; i++) appendBatch(small.log.group, batch, 1);
  const readers = [new Reader(1), new Reader(2)] as const;
  large.addConsumer(readers[0]);
  small.addConsumer(readers[1]);
  timers.endTick();
  assert.ok(readers[0].read < 6);
  assert.equal(readers[1].read, 100);
});

test("dead letters are made over several turns, and nobody gets what has expired", async () => {
  const timers = new ManualTimers();
  const broker = await openBroker(timers);
  const dead = makeQueue(broker, "dead");
  const args = { "x-max-length": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
  const queue = makeQueue(broker, "q", args);
  store(queue, 9);
  let turns = 0;
  for (; turns < 40 && dead.readyCount < 8; turns++) {
    const before = kafkaFrames.inflatedBytes;
    timers.endTick();
    assert.ok(kafkaFrames.inflatedBytes - before <= limits.turnInflatedBytesMax + 2 * bytes);
  }
  assert.ok(turns >= 3, `${turns} turns`);
  assert.equal(dead.readyCount, 8);
  assert.equal(queue.readyCount, 1);
});
