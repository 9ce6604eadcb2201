/** What waits for a destination, on the broker alone with a clock that the test moves: when it comes, and what it meets then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AmqpRecordMessage } from "../../../../src/broker/exchange/outgoing-message.ts";
import { renameStream } from "../../../../src/broker/queue/lifecycle.ts";
import { waitingCountOf } from "../../../../src/broker/schedule/listing.ts";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import { longText, shortText, uint } from "../../../support/amqp-frames.ts";
import { type BareBroker, openBareBroker } from "../../../support/bare-broker.ts";

const allowed = { "x-delay-allowed": true as unknown as number };

interface Sent {
  readonly delay?: string;
  readonly deliverAt?: string;
  readonly expirationMs?: number;
}

/** Publishes a message with these texts as headers; says whether it was taken. */
function publish({ vhost, name }: Queue, body: string, { delay, deliverAt, expirationMs }: Sent): boolean {
  const fields = [
    ["x-delay", delay],
    ["x-deliver-at", deliverAt],
  ].flatMap(([field, value]) =>
    value === undefined ? [] : [shortText(field!), Buffer.from("S"), longText(value)],
  );
  const flags = 0x2000 | (expirationMs === undefined ? 0 : 0x0100);
  const expiration = expirationMs === undefined ? [] : [shortText(String(expirationMs))];
  const header = Buffer.concat([
    uint(8, body.length),
    uint(2, flags),
    longText(Buffer.concat(fields)),
    ...expiration,
  ]);
  const record = Buffer.concat([
    shortText(""),
    shortText(name),
    uint(4, header.length),
    header,
    Buffer.from(body),
  ]);
  const message = new AmqpRecordMessage().show(record, 0, record.length);
  const exchange = vhost.exchanges.get("")!;
  return vhost.publication.publish(exchange, vhost.routes.find(exchange, name), message);
}

function waiting({ broker }: BareBroker, name: string): number {
  return waitingCountOf(broker, "/", name);
}

test("a message comes at its time and not before, in the order of the times; equal ones as they came", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", allowed);
  const now = bare.broker.clock.now();
  publish(queue, "c", { delay: "300" });
  publish(queue, "a", { deliverAt: String(now + 100) });
  publish(queue, "d", { delay: "300" });
  publish(queue, "b", { delay: "200", deliverAt: String(now + 1) });
  const lengths = [];
  for (const ms of [99, 1, 99, 1, 99, 1]) {
    bare.pass(ms);
    lengths.push(queue.readyCount + queue.log.store.openCountOf(queue.log));
  }
  assert.deepEqual(lengths, [0, 1, 1, 2, 2, 4]);
  queue.catchUp();
  const reader = queue.reader();
  const bodies = [];
  while (reader.next()) bodies.push(reader.buffer.latin1Slice(reader.end - 1, reader.end));
  assert.deepEqual(bodies, ["a", "b", "c", "d"]);
  assert.equal(waiting(bare, "q"), 0);
  await bare.close();
});

test("what is no time in the future, or too far away, does not wait", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", allowed);
  const values: Sent[] = [
    { delay: "0" },
    { delay: "-5" },
    { delay: "soon" },
    { delay: "1.5" },
    { delay: "4294967296" },
    { deliverAt: "1" },
    { deliverAt: "" },
    { deliverAt: "99999999999999" },
    {},
  ];
  for (const sent of values) publish(queue, "x", sent);
  queue.catchUp();
  assert.equal(queue.readyCount, values.length);
  publish(queue, "x", { delay: "4294967295" });
  publish(queue, "x", { delay: "0", deliverAt: "5000" });
  assert.equal(waiting(bare, "q"), 2);
  await bare.close();
});

test("a full queue that refuses messages leaves it waiting, and bounds count it only when it has come", async () => {
  const bare = await openBareBroker();
  const refusing = bare.declare("refusing", {
    ...allowed,
    "x-max-length": 1,
    "x-overflow": "reject-publish",
  });
  const dropping = bare.declare("dropping", { ...allowed, "x-max-length": 1 });
  for (const queue of [refusing, dropping]) {
    assert.ok(publish(queue, "1", { delay: "100" }));
    assert.ok(publish(queue, "2", { delay: "100" }));
    assert.ok(publish(queue, "3", {}));
    assert.equal(queue.catchUp(), true);
    assert.equal(queue.readyCount, 1);
  }
  bare.pass(100);
  for (const queue of [refusing, dropping]) queue.catchUp();
  assert.deepEqual([refusing.readyCount, waiting(bare, "refusing"), waiting(bare, "dropping")], [1, 2, 0]);
  assert.equal(dropping.dropped, 2);
  bare.pass(5000);
  assert.equal(waiting(bare, "refusing"), 2);
  refusing.drop(0);
  bare.pass(5000);
  assert.equal(waiting(bare, "refusing"), 1);
  refusing.catchUp();
  assert.equal(refusing.readyCount, 1);
  await bare.close();
});

test("time to live and expiration begin when the message comes", async () => {
  const bare = await openBareBroker();
  const byQueue = bare.declare("by-queue", { ...allowed, "x-message-ttl": 100 });
  const byMessage = bare.declare("by-message", allowed);
  publish(byQueue, "x", { delay: "1000" });
  publish(byMessage, "x", { delay: "1000", expirationMs: 100 });
  for (const [ms, left] of [
    [1000, 1],
    [99, 1],
    [1, 0],
  ] as const) {
    // A turn ends, since its records have the time at which it began.
    const turns = bare.ticks();
    await bare.turnsUntil(() => bare.ticks() > turns || ms < 1000);
    bare.pass(ms);
    for (const queue of [byQueue, byMessage]) {
      queue.catchUp();
      assert.equal(queue.readyCount, left, `${queue.name}, ${ms}`);
    }
  }
  await bare.close();
});

test("a stream that is renamed takes along what waits for it; one that is deleted does not leave it", async () => {
  const bare = await openBareBroker();
  const { defaultVhost } = bare.broker;
  const make = (name: string): Queue =>
    defaultVhost.declareQueue({
      name,
      kind: "stream",
      durable: true,
      exclusiveOwner: 0,
      autoDelete: false,
      args: allowed,
      isImplicit: true,
    });
  publish(make("old"), "x", { delay: "100" });
  publish(make("doomed"), "x", { delay: "100" });
  const renamed = renameStream(defaultVhost.queue("old"), defaultVhost, "new");
  defaultVhost.deleteQueue(defaultVhost.queue("doomed"));
  assert.deepEqual(
    ["old", "new", "doomed"].map((name) => waiting(bare, name)),
    [0, 1, 0],
  );
  await bare.turnsUntil(() => bare.broker.wallTimers.size > 0);
  make("doomed");
  bare.pass(100);
  assert.equal(renamed.log.length + renamed.log.store.openCountOf(renamed.log), 1);
  await bare.close();
});
