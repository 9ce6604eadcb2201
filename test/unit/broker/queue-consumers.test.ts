import assert from "node:assert/strict";
import test from "node:test";
import { QueueConsumers } from "../../../src/broker/queue/consumers.ts";
import type { QueueConsumer } from "../../../src/broker/queue/readers.ts";

let looks = 0;

class TestConsumer implements QueueConsumer {
  readonly id: number;
  readonly #priority: number;
  readonly isNoAck = false;
  readonly isExclusive = false;
  isParked = false;
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

function served(consumers: QueueConsumers<QueueConsumer>, count: number): (number | undefined)[] {
  return Array.from({ length: count }, () => {
    const next = consumers.next();
    consumers.served();
    return next?.id;
  });
}

test("adding and removing a consumer costs the same however many there are", () => {
  const consumers = new QueueConsumers<QueueConsumer>();
  const many = Array.from({ length: 20_000 }, (_, id) => new TestConsumer(id, id % 3));
  looks = 0;
  for (const consumer of many) consumers.add(consumer);
  assert.equal(consumers.size, many.length);
  for (const consumer of many) assert.equal(consumers.remove(consumer), true);
  assert.equal(consumers.size, 0);
  assert.ok(looks <= 4 * many.length, `${looks} looks at consumers`);
});

test("those that are left have their turns in the order in which they came", () => {
  const consumers = new QueueConsumers<QueueConsumer>();
  const many = Array.from({ length: 100 }, (_, id) => new TestConsumer(id));
  for (const consumer of many) consumers.add(consumer);
  for (const consumer of many) if (consumer.id % 25 !== 7) consumers.remove(consumer);
  assert.deepEqual(served(consumers, 5), [7, 32, 57, 82, 7]);
  assert.equal(consumers.remove(many[0]!), false);
  many[57]!.mayTake = false;
  assert.deepEqual(served(consumers, 3), [32, 82, 7]);
});

test("the highest priority that can take is served", () => {
  const consumers = new QueueConsumers<QueueConsumer>();
  const [low, high, other] = [new TestConsumer(1, 0), new TestConsumer(2, 5), new TestConsumer(3, 5)];
  for (const consumer of [low, high, other]) consumers.add(consumer);
  assert.deepEqual(served(consumers, 3), [2, 3, 2]);
  high.mayTake = other.mayTake = false;
  assert.deepEqual(served(consumers, 1), [1]);
  high.mayTake = true;
  assert.deepEqual(served(consumers, 1), [1]);
  consumers.ready(high);
  assert.deepEqual(served(consumers, 2), [2, 2]);
  consumers.remove(high);
  consumers.ready(high);
  assert.deepEqual(served(consumers, 1), [1]);
  assert.deepEqual(consumers.takeAll(), [low, other]);
  assert.equal(consumers.next(), null);
});

test("the active one stays while it is there, and the first of the highest priority follows it", () => {
  const consumers = new QueueConsumers<QueueConsumer>();
  const [low, high, other] = [new TestConsumer(1, 0), new TestConsumer(2, 5), new TestConsumer(3, 5)];
  for (const consumer of [low, high, other]) consumers.add(consumer);
  assert.equal(consumers.nextActive(), low);
  consumers.remove(low);
  high.mayTake = false;
  assert.equal(consumers.nextActive(), null);
  high.mayTake = true;
  assert.equal(consumers.nextActive(), high);
  consumers.remove(high);
  assert.equal(consumers.nextActive(), other);
});

test("a delivery looks at one consumer, however many others have no room", () => {
  const consumers = new QueueConsumers<QueueConsumer>();
  const busy = Array.from({ length: 20_000 }, (_, id) => new TestConsumer(id, id % 2 === 0 ? 5 : 0));
  for (const consumer of busy) {
    consumer.mayTake = false;
    consumers.add(consumer);
  }
  const free = [new TestConsumer(20_000), new TestConsumer(20_001)];
  for (const consumer of free) consumers.add(consumer);
  assert.deepEqual(served(consumers, 1), [20_000]);
  looks = 0;
  assert.deepEqual(served(consumers, 4), [20_001, 20_000, 20_001, 20_000]);
  assert.ok(looks <= 4, `${looks} looks at consumers`);
  // One that has room again comes behind those that wait, or before them by its priority.
  busy[1]!.mayTake = busy[4]!.mayTake = true;
  consumers.ready(busy[1]!);
  assert.deepEqual(served(consumers, 4), [20_001, 20_000, 1, 20_001]);
  consumers.ready(busy[4]!);
  assert.deepEqual(served(consumers, 2), [4, 4]);
});

test("consumers that come, go, are busy and free again are served as in a list of those that are free", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const consumers = new QueueConsumers<QueueConsumer>();
  let all: TestConsumer[] = [];
  let waiting: TestConsumer[] = [];
  for (let id = 0; id < 3000; id++) {
    const some = all[random(Math.max(all.length, 1))];
    switch (random(5)) {
      case 0: {
        const made = new TestConsumer(id, random(3));
        consumers.add(made);
        all.push(made);
        waiting.push(made);
        break;
      }
      case 1:
        if (some === undefined || random(3) > 0) break;
        consumers.remove(some);
        all = all.filter((each) => each !== some);
        waiting = waiting.filter((each) => each !== some);
        break;
      case 2:
        if (some !== undefined) some.mayTake = false;
        break;
      case 3:
        if (some === undefined) break;
        some.mayTake = true;
        consumers.ready(some);
        if (!waiting.includes(some)) waiting.push(some);
        break;
      default: {
        let expected: TestConsumer | undefined;
        for (const priority of [2, 1, 0]) {
          while (expected === undefined) {
            const first = waiting.find((each) => each.priority === priority);
            if (first === undefined) break;
            waiting = waiting.filter((each) => each !== first);
            if (first.mayTake) waiting.push((expected = first));
          }
        }
        assert.equal(consumers.next(), expected ?? null);
        consumers.served();
      }
    }
    assert.equal(consumers.size, all.length);
  }
});
