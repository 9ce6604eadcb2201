/** The broker's side of flow control, without sockets: when publishers are stopped, and that each goes on once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BytesInFlight } from "../../../src/base/bytes-in-flight.ts";
import type { Timers } from "../../../src/base/clock.ts";
import type { Connection } from "../../../src/base/connection.ts";
import { limits } from "../../../src/base/limits.ts";
import { Logger } from "../../../src/base/logger.ts";
import { Broker } from "../../../src/broker/broker.ts";
import { appendRecord } from "../../../src/broker/exchange/outgoing-message.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { NetConnection, type Transport } from "../../../src/net/connection.ts";
import { systemTimers } from "../../../src/net/runtime.ts";
import { LogReader } from "../../../src/storage/index.ts";

const mebibyte = 1 << 20;
const body = Buffer.alloc(mebibyte - 1000);

/** Ticks end when the test says so. */
class ManualTimers implements Timers {
  #waiting: (() => void)[] = [];
  /** Timers set so far; none ever ends. */
  set = 0;

  after(): { cancel(): void } {
    this.set++;
    return { cancel: () => {} };
  }

  atTickEnd(action: () => void): void {
    this.#waiting.push(action);
  }

  endTick(): void {
    for (const action of this.#waiting.splice(0)) action();
  }
}

class Publisher {
  pauses = 0;

  get connection(): Connection {
    return this as unknown as Connection;
  }

  pauseReading(): void {
    this.pauses++;
  }

  resumeReading(): void {
    this.pauses--;
  }
}

async function make() {
  const timers = new ManualTimers();
  const clock = { now: () => 1000, monotonic: () => 1000 };
  const broker = await Broker.open({
    disk: null,
    directory: "memory",
    clock,
    timers,
    random: { below: () => 0, bytes: (size) => Buffer.alloc(size) },
    logger: new Logger({ level: "silent", clock, sink: () => {} }),
    journalBytesMax: 256 * mebibyte,
    memoryBytesMax: 8 * mebibyte,
    redisStreamsDurability: "memory",
    kafkaDurability: "fsync",
    onFatal: (error) => assert.fail(error),
  });
  const log = broker.storage.createLog(false);
  const flow: boolean[] = [];
  broker.flow.listeners.add((isBlocked) => flow.push(isBlocked));
  const publish = (publisher: Publisher, bytes = body): void => {
    appendRecord(log.group, envelope.amqp, bytes, 0, bytes.length);
    broker.flow.publisherSeen(publisher.connection);
  };
  return { timers, broker, log, flow, publish };
}

test("publishers are stopped at the bound, told once, and go on once there is some room", async () => {
  const { timers, log, flow, publish, broker } = await make();
  const [first, second] = [new Publisher(), new Publisher()];
  for (let i = 0; i < 7; i++) publish(first);
  assert.equal(first.pauses, 0);
  for (let i = 0; i < 3; i++) publish(first);
  // Within the tick, and once, however much of what was read is still to come.
  assert.equal(first.pauses, 1);
  assert.deepEqual(flow, []);
  timers.endTick();
  assert.deepEqual(flow, [true]);
  assert.ok(broker.flow.isBlocked);
  publish(second);
  timers.endTick();
  assert.equal(second.pauses, 1);
  assert.deepEqual(flow, [true]);
  log.removeBelow(3);
  broker.ticker.request();
  timers.endTick();
  // Just below the bound is not enough.
  assert.equal(first.pauses, 1);
  log.removeBelow(8);
  broker.ticker.request();
  timers.endTick();
  assert.deepEqual([first.pauses, second.pauses], [0, 0]);
  assert.deepEqual(flow, [true, false]);
});

test("a connection that is refused what adds data waits for memory as publishers do", async () => {
  const { timers, log, broker } = await make();
  const requester = new Publisher();
  for (let i = 0; i < 10; i++) {
    appendRecord(log.group, envelope.amqp, body, 0, body.length);
    broker.flow.requesterSeen(requester.connection);
  }
  assert.equal(requester.pauses, 1);
  timers.endTick();
  log.removeBelow(2);
  broker.ticker.request();
  timers.endTick();
  const late = new Publisher();
  broker.flow.requesterSeen(late.connection);
  assert.deepEqual([requester.pauses, late.pauses], [1, 1], "just below the bound is not enough");
  log.removeBelow(8);
  broker.ticker.request();
  timers.endTick();
  assert.deepEqual([requester.pauses, late.pauses], [0, 0]);
});

test("a publisher that is gone is not asked to go on", async () => {
  const { timers, log, publish, broker } = await make();
  const publisher = new Publisher();
  for (let i = 0; i < 10; i++) publish(publisher);
  timers.endTick();
  broker.flow.gone(publisher.connection);
  log.removeBelow(log.nextOffset);
  broker.ticker.request();
  timers.endTick();
  assert.equal(publisher.pauses, 1);
});

test("a bound passed and left within one tick stops nobody for longer than that", async () => {
  const { timers, log, flow, publish, broker } = await make();
  const publisher = new Publisher();
  for (let i = 0; i < 10; i++) publish(publisher);
  assert.equal(publisher.pauses, 1);
  broker.storage.seal();
  log.removeBelow(log.nextOffset);
  timers.endTick();
  assert.equal(publisher.pauses, 0);
  assert.deepEqual(flow, []);
});

test("the room of a huge transient record is free once it is consumed, though nothing follows it", async () => {
  const { timers, log, flow, publish, broker } = await make();
  const publisher = new Publisher();
  publish(publisher, Buffer.alloc(20 * mebibyte));
  timers.endTick();
  assert.equal(publisher.pauses, 1);
  log.remove(0);
  broker.ticker.request();
  timers.endTick();
  assert.equal(publisher.pauses, 0);
  assert.deepEqual(flow, [true, false]);
  publish(publisher);
  broker.storage.seal();
  const reader = new LogReader(log, 0);
  assert.ok(reader.next());
  assert.equal(reader.end - reader.start, body.length);
});

test("a connection whose output is full is not read from, though the tick cannot end", () => {
  const transport = {
    local: { host: "", port: 0 },
    remote: { host: "", port: 0 },
    isPaused: false,
    write: () => 0,
    pause: () => (transport.isPaused = true),
    resume: () => (transport.isPaused = false),
    end: () => {},
    destroy: () => {},
  };
  const host = {
    durablePosition: 0,
    writtenPosition: 0,
    isStuck: false,
    unwrittenMark: 0,
    connectionTouched: () => {},
    connectionHeld: () => {},
    timers: systemTimers,
    inFlight: new BytesInFlight({ bytesMax: 0, timers: systemTimers }),
  };
  const connection = new NetConnection(1, transport satisfies Transport, host, 0, () => {});
  const reply = Buffer.alloc(limits.outputHighWaterBytes / 2);
  connection.session = {
    onData: () => void connection.output.bytes(reply),
    onWritable: () => {},
    onClosed: () => {},
  };
  connection.received(Buffer.alloc(1));
  connection.received(Buffer.alloc(1));
  assert.equal(transport.isPaused, false);
  connection.received(Buffer.alloc(1));
  assert.equal(transport.isPaused, true);
});

test("one record that nobody settles does not hold the memory of those behind it", async () => {
  const { timers, log, flow, publish, broker } = await make();
  const publisher = new Publisher();
  for (let i = 0; i < 10; i++) publish(publisher);
  timers.endTick();
  for (let offset = 1; offset < 10; offset++) log.remove(offset);
  broker.ticker.request();
  timers.endTick();
  assert.equal(publisher.pauses, 0);
  assert.deepEqual(flow, [true, false]);
  assert.ok(broker.storage.volatile.bytes <= 3 * mebibyte);
  const reader = new LogReader(log, 0);
  assert.ok(reader.next());
  assert.equal(reader.offset, 0);
  assert.equal(reader.next(), false);
});

test("records that go in any order leave the others where they are", async () => {
  const { broker } = await make();
  const { volatile } = broker.storage;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.boolean()), {
        minLength: 1,
        maxLength: 3000,
        size: "max",
      }),
      fc.infiniteStream(fc.nat()),
      (records, chances) => {
        const log = broker.storage.createLog(false);
        const present = new Map<number, number>();
        for (const [size, ends] of records) {
          const at = volatile.reserve(log.group, envelope.amqp, size);
          volatile.tail.fill(size & 0xff, at, at + size);
          present.set(volatile.reservedOffset, size);
          if (ends) volatile.seal();
        }
        volatile.seal();
        const ids = [...present.keys()].map((offset) => log.entryIdOf(offset));
        const check = (): void => {
          const reader = new LogReader(log, 0);
          for (const [offset, size] of present) {
            assert.ok(reader.next());
            assert.equal(reader.offset, offset);
            assert.equal(reader.end - reader.start, size);
            assert.equal(reader.buffer[reader.start], size & 0xff);
          }
          assert.equal(reader.next(), false);
          for (let at = 0; at < ids.length; at += 97) {
            const wanted = [...present.keys()].find((offset) => offset >= at) ?? log.nextOffset;
            assert.equal(log.offsetOfEntryId(ids[at]!), wanted);
          }
        };
        const left = [...present.keys()];
        while (left.length > 0) {
          for (let i = Math.ceil(left.length / 3); i > 0; i--) {
            const offset = left.splice(chances.next().value % left.length, 1)[0]!;
            present.delete(offset);
            log.remove(offset);
          }
          check();
          volatile.turnEnded();
        }
        assert.equal(log.bytes, 0);
        broker.storage.deleteLog(log);
      },
    ),
    { numRuns: 25 },
  );
});

test("a queue that fails in every tick is looked at again by one timer, and the others go on", async () => {
  const { timers, broker } = await make();
  const vhost = broker.createVhost("failing");
  const options = { kind: "queue", durable: false, exclusiveOwner: 0, autoDelete: false, args: {} } as const;
  const [failing, other] = ["failing", "other"].map((name) => vhost.declareQueue({ ...options, name }));
  let told = 0;
  failing!.waiters.add({
    logChanged() {
      throw new Error("cannot be read");
    },
  });
  for (const queue of [failing!, other!]) queue.waiters.add({ logChanged: () => told++ });
  const before = timers.set;
  for (let i = 0; i < 50; i++) {
    for (const { log } of [failing!, other!]) appendRecord(log.group, envelope.amqp, body, 0, 100);
    timers.endTick();
  }
  assert.ok(timers.set - before <= 1, `${timers.set - before} timers`);
  assert.equal(told, 100, "each waiter heard of each tick");
});
