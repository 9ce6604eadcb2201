/**
 * Rejected records of a queue that come again, where they meet its other rules: bounds, expiry, priorities, order, purges, history,
 * restarts, dead letters. What clients see is in test/clients/amqp/amqp-retry.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AmqpView } from "../../../../src/message/convert/as-amqp.ts";
import { takeOnce } from "../../../../src/broker/queue/delivery.ts";
import { purge } from "../../../../src/broker/queue/removal.ts";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import { reject } from "../../../../src/broker/retry/rejection.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../../support/bare-broker.ts";

const getOwner = 1;
const view = new AmqpView();
const policy = { "x-retry-limit": 3, "x-retry-backoff-ms": 100, "x-retry-factor": 2 };

function take(queue: Queue): { body: string; offset: number; count: number } | null {
  queue.catchUp();
  if (takeOnce(queue, getOwner) !== "taken") return null;
  const { record, deliveryCount } = queue.cursor!;
  const { buffer, bodyStart, bodyEnd } = view.show(record);
  return { body: buffer.latin1Slice(bodyStart, bodyEnd), offset: record.offset, count: deliveryCount };
}

/** Takes all that is ready, and rejects it. */
function rejectAll(queue: Queue): string[] {
  const bodies: string[] = [];
  for (let got = take(queue); got !== null; got = take(queue)) {
    bodies.push(`${got.body} ${got.count}`);
    reject(queue, got.offset);
  }
  return bodies;
}

async function passed(bare: BareBroker, ms: number): Promise<void> {
  bare.pass(ms);
  const before = bare.ticks();
  bare.broker.ticker.request();
  await bare.turnsUntil(() => bare.ticks() > before);
}

test("a rejected record comes again after its back-off, and is a dead letter after the last delivery", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", policy);
  publishTo(queue, "a");
  assert.deepEqual(rejectAll(queue), ["a 1"]);
  assert.deepEqual([queue.readyCount, queue.cursor!.heldCount, queue.cursor!.waiting.count], [0, 0, 1]);
  await passed(bare, 99);
  assert.deepEqual(rejectAll(queue), []);
  await passed(bare, 1);
  assert.deepEqual(rejectAll(queue), ["a 2"]);
  await passed(bare, 199);
  assert.deepEqual(rejectAll(queue), []);
  publishTo(queue, "b");
  await passed(bare, 1);
  assert.deepEqual(rejectAll(queue), ["a 3", "b 1"]);
  const dead = bare.broker.defaultVhost.queue("q.dead");
  assert.deepEqual(take(dead)?.body, "a");
  assert.equal(queue.log.length, 1);
  await bare.close();
});

test("what waits survives a restart with its time and its count, and is not delivered before", async () => {
  for (const args of [
    {},
    { "x-max-priority": 5 },
    { "x-history-ms": 1_000_000 },
    { "x-queue-type": "quorum" },
  ]) {
    const first = await openBareBroker();
    let queue = first.declare("q", { ...policy, ...args });
    for (const body of ["a", "b", "c"]) publishTo(queue, body);
    const got = [take(queue)!, take(queue)!];
    reject(queue, got[1]!.offset);
    await passed(first, 40);
    reject(queue, got[0]!.offset);
    await passed(first, 0);
    await first.close();

    // Its clock begins at the time at which the first one began.
    const second = await openBareBroker(first.disk);
    queue = second.broker.defaultVhost.queue("q");
    await second.turnsUntil(() => !queue.isFiling);
    assert.deepEqual([queue.readyCount, queue.cursor!.waiting.count], [1, 2], JSON.stringify(args));
    assert.equal(take(queue)?.body, "c");
    assert.equal(take(queue), null);
    await passed(second, 100);
    assert.deepEqual(
      [take(queue), take(queue)].map((each) => each && `${each.body} ${each.count}`),
      ["b 2", null],
    );
    await passed(second, 39);
    assert.equal(take(queue), null);
    await passed(second, 1);
    assert.deepEqual(take(queue)?.count, 2);
    assert.equal(take(queue), null);
    await second.close();

    // Who held them is forgotten, and with it that delivery.
    const third = await openBareBroker(first.disk);
    queue = third.broker.defaultVhost.queue("q");
    await third.turnsUntil(() => !queue.isFiling);
    assert.deepEqual(
      [take(queue), take(queue), take(queue), take(queue)].map(
        (each) => each && `${each.body} ${each.count}`,
      ),
      ["a 2", "b 2", "c 2", null],
    );
    await third.close();
  }
});

test("with priorities, what waits among others of its priority comes when its time does, after a restart too", async () => {
  const count = 20;
  const first = await openBareBroker();
  let queue = first.declare("q", { ...policy, "x-max-priority": 5 });
  for (let i = 0; i < count; i++) publishTo(queue, String(i), { priority: 2 });
  for (let i = 0; i < count; i++) {
    const { offset } = take(queue)!;
    if (i % 3 === 1) reject(queue, offset);
  }
  await passed(first, 0);
  await first.close();

  const second = await openBareBroker(first.disk);
  queue = second.broker.defaultVhost.queue("q");
  await second.turnsUntil(() => !queue.isFiling);
  const isWaiting = (i: number): boolean => i % 3 === 1;
  const numbers = Array.from({ length: count }, (_, i) => i);
  const takeAll = (): number[] => {
    const bodies: number[] = [];
    for (let got = take(queue); got !== null; got = take(queue)) bodies.push(Number(got.body));
    return bodies;
  };
  const expected = numbers.filter((i) => !isWaiting(i));
  assert.equal(queue.readyCount, expected.length);
  const one = Number(take(queue)!.body);
  publishTo(queue, "high", { priority: 5 });
  assert.equal(take(queue)!.body, "high");
  assert.deepEqual([one, ...takeAll()], expected);
  await passed(second, 100);
  assert.deepEqual(takeAll(), numbers.filter(isWaiting));
  assert.deepEqual([queue.readyCount, queue.cursor!.waiting.count], [0, 0]);
  await second.close();
});

test("it goes out before new ones, by its priority, and holds up nobody unless it is to", async () => {
  const bare = await openBareBroker();
  const loose = bare.declare("loose", policy);
  const strict = bare.declare("strict", { ...policy, "x-retry-keeps-order": true as unknown as number });
  const ranked = bare.declare("ranked", { ...policy, "x-max-priority": 5 });
  for (const queue of [loose, strict]) for (const body of ["a", "b", "c"]) publishTo(queue, body);
  publishTo(ranked, "a", { priority: 1 });
  publishTo(ranked, "b", { priority: 4 });
  for (const queue of [loose, strict, ranked]) reject(queue, take(queue)!.offset);
  assert.equal(take(strict), null);
  assert.equal(take(loose)?.body, "b");
  publishTo(ranked, "c", { priority: 4 });
  await passed(bare, 100);
  assert.deepEqual([take(strict)?.body, take(strict)?.body], ["a", "b"]);
  assert.deepEqual([take(loose)?.body, take(loose)?.body], ["a", "c"]);
  assert.deepEqual([take(ranked)?.body, take(ranked)?.body, take(ranked)?.body], ["b", "c", "a"]);
  await bare.close();
});

test("purge, deletion and the end of waiting leave nothing behind in the timers", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", { ...policy, "x-retry-backoff-ms": 1000 });
  for (const body of ["a", "b", "c"]) publishTo(queue, body);
  rejectAll(queue);
  const held = bare.declare("held", policy);
  publishTo(held, "a");
  rejectAll(held);
  assert.equal(purge(queue), 3);
  assert.deepEqual([queue.log.length, queue.cursor!.pending.size, queue.cursor!.waiting.count], [0, 0, 0]);
  publishTo(queue, "d");
  rejectAll(queue);
  bare.broker.defaultVhost.deleteQueue(held);
  await passed(bare, 5000);
  assert.equal(bare.broker.wallTimers.size, 0);
  assert.equal(take(queue)?.body, "d");
  assert.equal(take(queue), null);
  await bare.close();
});

test("bounds count what is ready; what waits comes back into them, and expires when its time to live is over", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", { ...policy, "x-max-length": 2, "x-max-length-bytes": 100 });
  publishTo(queue, "a");
  rejectAll(queue);
  for (const body of ["b", "c"]) publishTo(queue, body);
  queue.catchUp();
  assert.equal(queue.readyCount, 2);
  assert.equal(queue.readyBytes!.total, 2);
  await passed(bare, 100);
  assert.equal(queue.readyCount, 2);
  assert.deepEqual([take(queue)?.body, take(queue)?.body, take(queue)], ["b", "c", null]);
  const short = bare.declare("short", { ...policy, "x-message-ttl": 50 });
  publishTo(short, "a");
  rejectAll(short);
  await passed(bare, 100);
  assert.equal(take(short), null);
  assert.equal(short.log.length, 0);
  await bare.close();
});

test("a policy acts on what is there, and what waits comes at its time once it is gone", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  const definition = { "retry-limit": 2, "retry-backoff-ms": 100 };
  for (const body of ["a", "b"]) publishTo(queue, body);
  reject(queue, take(queue)!.offset);
  assert.equal(queue.log.length, 1);
  queue.applyLayers({ policy: definition, operatorPolicy: null });
  reject(queue, take(queue)!.offset);
  queue.applyLayers({ policy: null, operatorPolicy: null });
  assert.equal(queue.cursor!.waiting.count, 1);
  await passed(bare, 100);
  assert.equal(take(queue)?.count, 2);
  await bare.close();
});

test("while nothing takes the dead letter it stays, and is delivered no more", async () => {
  const bare = await openBareBroker();
  const name = "n".repeat(253);
  const tooLong = bare.declare(name, policy);
  const full = bare.declare("full", policy);
  const dead = bare.declare("full.dead", { "x-max-length": 1, "x-overflow": "reject-publish" });
  publishTo(dead, "there");
  for (const queue of [tooLong, full]) {
    publishTo(queue, "a");
    for (let i = 0; i < 3; i++) {
      assert.equal(rejectAll(queue).length, 1);
      await passed(bare, 400);
    }
    for (let i = 0; i < 3; i++) {
      await passed(bare, 5000);
      assert.equal(take(queue), null);
      assert.equal(queue.cursor!.waiting.count, 1);
    }
  }
  purge(dead);
  await passed(bare, 5000);
  assert.equal(take(dead)?.body, "a");
  assert.equal(full.log.length, 0);
  assert.equal(tooLong.log.length, 1);
  await bare.close();
});

test("what is given back too often is given up too, and stays so while no place takes it, with its reason", async () => {
  const bare = await openBareBroker();
  for (const [name, args] of [
    ["retried", policy],
    ["limited", { ...policy, "x-retry-limit": 10, "x-queue-type": "quorum", "x-delivery-limit": 2 }],
  ] as const) {
    const queue = bare.declare(name, args);
    const dead = bare.declare(`${name}.dead`, { "x-max-length": 1, "x-overflow": "reject-publish" });
    publishTo(dead, "there");
    publishTo(queue, "a");
    // As a connection does that ends each time.
    for (let i = 0; i < 3; i++) queue.requeue(take(queue)!.offset);
    for (let i = 0; i < 3; i++) {
      await passed(bare, 5000);
      assert.deepEqual([take(queue), queue.cursor!.waiting.count], [null, 1], name);
    }
    purge(dead);
    await passed(bare, 5000);
    assert.equal(queue.log.length, 0, name);
    dead.catchUp();
    assert.equal(takeOnce(dead, getOwner), "taken");
    const { buffer, recordEnd } = view.show(dead.cursor!.record);
    assert.ok(buffer.latin1Slice(0, recordEnd).includes("delivery_limit"), name);
  }
  await bare.close();
});

test("a dead letter that has been among dead letters goes there again, and is not lost", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", { ...policy, "x-retry-limit": 1 });
  // What expires there leads back.
  const dead = bare.declare("q.dead", {
    "x-message-ttl": 10,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "q",
  });
  publishTo(queue, "a");
  // RabbitMQ's rule against cycles drops what nobody has rejected since.
  reject(queue, take(queue)!.offset);
  await passed(bare, 20);
  dead.catchUp();
  queue.requeue(take(queue)!.offset);
  dead.catchUp();
  assert.deepEqual([dead.readyCount, queue.log.length], [1, 0]);
  await bare.close();
});

test("a queue that was made for dead letters has no retries of its own, though a policy matches both", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  const layers = { policy: { "retry-limit": 1 }, operatorPolicy: null };
  queue.applyLayers(layers);
  publishTo(queue, "a");
  rejectAll(queue);
  const dead = bare.broker.defaultVhost.queue("q.dead");
  dead.applyLayers(layers);
  assert.deepEqual(rejectAll(dead), ["a 1"]);
  assert.equal(bare.broker.defaultVhost.queues.has("q.dead.dead"), false);
  assert.equal(dead.log.length, 0);
  await bare.close();
});

test("order: what stands before the waiting one goes out, what stands behind it waits, and dead letters hold up nobody", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", { ...policy, "x-retry-keeps-order": true as unknown as number });
  for (const body of ["a", "b", "c"]) publishTo(queue, body);
  const [a, b] = [take(queue)!, take(queue)!];
  reject(queue, b.offset);
  queue.requeue(a.offset);
  assert.equal(take(queue)?.body, "a");
  assert.equal(take(queue), null);
  await passed(bare, 100);
  assert.deepEqual([take(queue)?.body, take(queue)?.body], ["b", "c"]);
  const dead = bare.declare("full.dead", { "x-max-length": 1, "x-overflow": "reject-publish" });
  publishTo(dead, "there");
  const full = bare.declare("full", {
    ...policy,
    "x-retry-limit": 1,
    "x-retry-keeps-order": true as unknown as number,
  });
  for (const body of ["a", "b"]) publishTo(full, body);
  reject(full, take(full)!.offset);
  assert.equal(full.cursor!.waiting.count, 1);
  assert.equal(take(full)?.body, "b");
  await bare.close();
});

test("a dead letter says where it was and how often it was delivered; a dead-letter exchange comes first", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", {
    ...policy,
    "x-retry-limit": 1,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "place",
  });
  const place = bare.declare("place");
  publishTo(queue, "a");
  rejectAll(queue);
  assert.equal(bare.broker.defaultVhost.queues.has("q.dead"), false);
  place.catchUp();
  assert.equal(takeOnce(place, getOwner), "taken");
  const { buffer, recordEnd } = view.show(place.cursor!.record);
  const text = buffer.latin1Slice(0, recordEnd);
  for (const part of ["x-death", "x-troika-offset", "x-troika-deliveries", "rejected"])
    assert.ok(text.includes(part), part);
  await bare.close();
});

test("what consumers hold in front of the waiting message is passed once, not for each delivery", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", { ...policy, "x-retry-keeps-order": true as unknown as number });
  const held = 2000;
  for (let i = 0; i < held + 2; i++) publishTo(queue, String(i));
  const taken = Array.from({ length: held + 1 }, () => take(queue)!.offset);
  reject(queue, taken.at(-1)!);
  const { pending } = queue.cursor!;
  let looks = 0;
  const next = pending.next.bind(pending);
  pending.next = (from) => {
    looks++;
    return next(from);
  };
  for (let i = 0; i < 100; i++) assert.equal(take(queue), null);
  assert.ok(looks <= held, `${looks} looks`);
  await passed(bare, 100);
  assert.deepEqual([take(queue)?.offset, take(queue)?.offset], [held, held + 1]);
  await bare.close();
});

test("in a queue with priorities the order of retries is not kept", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", {
    ...policy,
    "x-max-priority": 5,
    "x-retry-keeps-order": true as unknown as number,
  });
  for (const body of ["a", "b"]) publishTo(queue, body);
  reject(queue, take(queue)!.offset);
  assert.equal(take(queue)?.body, "b");
  await bare.close();
});
