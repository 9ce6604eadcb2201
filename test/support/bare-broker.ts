/**
 * A broker alone, in this process: no protocols, a simulated disk, and a clock that the test moves.
 *
 * Not here: sessions and sockets (broker.ts). Invariant: nothing happens while the test does not await or `pass`.
 */
import assert from "node:assert/strict";
import type { Timers } from "../../src/base/clock.ts";
import { Logger } from "../../src/base/logger.ts";
import { Broker } from "../../src/broker/broker.ts";
import { DelayedArrivals } from "../../src/broker/intake/delayed-arrivals.ts";
import { ReturnedRecords } from "../../src/broker/retry/returned-records.ts";
import { AmqpRecordMessage } from "../../src/broker/exchange/outgoing-message.ts";
import type { Queue } from "../../src/broker/queue/queue.ts";
import { SimDisk } from "../../sim/disk.ts";
import { shortText, uint } from "./amqp-frames.ts";

export interface BareBroker {
  readonly broker: Broker;
  readonly disk: SimDisk;
  readonly declare: (name: string, args?: Readonly<Record<string, string | number>>) => Queue;
  /** Moves the clock, and calls what is due by then. */
  readonly pass: (ms: number) => void;
  /** Lets turns and writes go on until `isDone`. */
  readonly turnsUntil: (isDone: () => boolean) => Promise<void>;
  /** Turns of the event loop with ticks in them, so far. */
  readonly ticks: () => number;
  readonly close: () => Promise<void>;
}

const turnsMax = 100_000;

export async function openBareBroker(disk = new SimDisk(() => 0.5)): Promise<BareBroker> {
  const time = { now: 1000 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  let waiting: { at: number; action: () => void }[] = [];
  const timers: Timers = {
    after(delayMs, action) {
      const timer = { at: time.now + delayMs, action };
      waiting.push(timer);
      return { cancel: () => (waiting = waiting.filter((each) => each !== timer)) };
    },
    atTickEnd: (action) => setImmediate(action),
  };
  const pass = (ms: number): void => {
    const end = time.now + ms;
    for (;;) {
      const next = waiting.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      waiting = waiting.filter((each) => each !== next);
      time.now = Math.max(time.now, next.at);
      next.action();
    }
    time.now = end;
  };
  const turnsUntil = async (isDone: () => boolean): Promise<void> => {
    for (let turns = 0; !isDone(); turns++) {
      assert.ok(turns < turnsMax, "it did not come");
      if (disk.waiting > 0) await disk.step();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const wait = async <Result>(doing: Promise<Result>): Promise<Result> => {
    let isDone = false;
    void doing.finally(() => (isDone = true)).catch(() => {});
    await turnsUntil(() => isDone);
    return doing;
  };
  const broker = await wait(
    Broker.open({
      disk,
      directory: "/data",
      clock,
      timers,
      random: { below: () => 0, bytes: (size) => Buffer.alloc(size) },
      logger: new Logger({ level: "silent", clock, sink: () => {} }),
      journalBytesMax: 1 << 20,
      memoryBytesMax: 0,
      redisStreamsDurability: "memory",
      kafkaDurability: "fsync",
      onFatal: (error) => assert.fail(error),
    }),
  );
  broker.delays = new DelayedArrivals(broker);
  broker.returned = new ReturnedRecords(broker);
  return {
    broker,
    disk,
    declare: (name, args = {}) =>
      broker.defaultVhost.declareQueue({
        name,
        kind: "queue",
        durable: true,
        exclusiveOwner: 0,
        autoDelete: false,
        args,
      }),
    pass,
    turnsUntil,
    ticks: () => broker.ticker.ticks,
    close: () => wait(broker.close()),
  };
}

export interface PublishedProperties {
  readonly priority?: number;
  readonly expirationMs?: number;
}

/** Publishes an AMQP message to a queue by the default exchange, as a turn does that goes on; says whether it was taken. */
export function publishInTurn(queue: Queue, body: string, properties: PublishedProperties = {}): boolean {
  const { vhost } = queue;
  const exchange = vhost.exchanges.get("")!;
  const { priority, expirationMs } = properties;
  const values = [
    ...(priority === undefined ? [] : [uint(1, priority)]),
    ...(expirationMs === undefined ? [] : [shortText(String(expirationMs))]),
  ];
  const flags = (priority === undefined ? 0 : 0x0800) | (expirationMs === undefined ? 0 : 0x0100);
  const header = Buffer.concat([uint(8, body.length), uint(2, flags), ...values]);
  const record = Buffer.concat([
    shortText(""),
    shortText(queue.name),
    uint(4, header.length),
    header,
    Buffer.from(body),
  ]);
  const message = new AmqpRecordMessage().show(record, 0, record.length);
  return vhost.publication.publish(exchange, vhost.routes.find(exchange, queue.name), message);
}

/** The same, and what the end of the turn does with the queue. */
export function publishTo(queue: Queue, body: string, properties: PublishedProperties = {}): boolean {
  const isTaken = publishInTurn(queue, body, properties);
  queue.catchUp();
  return isTaken;
}
