import assert from "node:assert/strict";
import test from "node:test";
import { QueueConsumers } from "../../../src/broker/queue/consumers.ts";
import type { QueueConsumer } from "../../../src/broker/queue/queue.ts";

let looks = 0;

class TestConsumer implements QueueConsumer {
  readonly id: number;
  readonly #priority: number;
  readonly isNoAck = false;
  readonly isExclusive = false;
  mayTake = true;

  constructor(id: number, priority = 0) {
    this.id = id;
    this.#priority = priority;
  }

  get priority(): number {
    looks++;
    return this.#priority;
  }

  canTake(): boolean {
    looks++;
    return this.mayTake;
  }

  deliver(): void {}

  cancelled(): void {}
}

function served(consumers: QueueConsumers, count: number): (number | undefined)[] {
  return Array.from({ length: count }, () => {
    const next = consumers.next();
    consumers.served();
    return next?.id;
  });
}

test("adding and removing a consumer costs the same however many there are", () => {
  const consumers = new QueueConsumers();
  const many = Array.from({ length: 20_000 }, (_, id) => new TestConsumer(id, id % 3));
  looks = 0;
  for (const consumer of many) consumers.add(consumer);
  assert.equal(consumers.size, many.length);
  for (const consumer of many) assert.equal(consumers.remove(consumer), true);
  assert.equal(consumers.size, 0);
  assert.ok(looks <= 4 * many.length, `${looks} looks at consumers`);
});

test("those that are left have their turns in the order in which they came", () => {
  const consumers = new QueueConsumers();
  const many = Array.from({ length: 100 }, (_, id) => new TestConsumer(id));
  for (const consumer of many) consumers.add(consumer);
  for (const consumer of many) if (consumer.id % 25 !== 7) consumers.remove(consumer);
  assert.deepEqual(served(consumers, 5), [7, 32, 57, 82, 7]);
  assert.equal(consumers.remove(many[0]!), false);
  many[57]!.mayTake = false;
  assert.deepEqual(served(consumers, 3), [32, 82, 7]);
});

test("the highest priority that can take is served, and the active one stays while it is there", () => {
  const consumers = new QueueConsumers();
  const [low, high, other] = [new TestConsumer(1, 0), new TestConsumer(2, 5), new TestConsumer(3, 5)];
  for (const consumer of [low, high, other]) consumers.add(consumer);
  assert.deepEqual(served(consumers, 3), [2, 3, 2]);
  high.mayTake = other.mayTake = false;
  assert.deepEqual(served(consumers, 1), [1]);
  assert.equal(consumers.nextActive(), low);
  consumers.remove(low);
  assert.equal(consumers.nextActive(), null);
  high.mayTake = true;
  assert.equal(consumers.nextActive(), high);
  assert.deepEqual(consumers.takeAll(), [high, other]);
  assert.equal(consumers.next(), null);
});
