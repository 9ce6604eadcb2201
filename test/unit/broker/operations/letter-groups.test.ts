/** Groups of dead letters count what lies in a place, whatever came and left between two looks; places are found by what is defined. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { finishNow } from "../../../../src/base/turn-work.ts";
import { grouping, type LetterGroup } from "../../../../src/broker/operations/letters/groups.ts";
import { findingPlaces, findingPlacesOf } from "../../../../src/broker/retry/dead-letter-places.ts";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import { createGroup, setRetryPolicy } from "../../../../src/broker/groups/stream-groups.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../../support/bare-broker.ts";

interface Counted {
  readonly reason: string;
  readonly name: string;
  readonly count: number;
}

function shown(groups: readonly LetterGroup[]): Counted[] {
  return groups
    .map(({ reason, origin, count }) => ({ reason, name: origin?.name ?? "", count }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Makes a dead letter of a queue, by each way that there is. */
const ways: Readonly<Record<string, (queue: Queue, rig: BareBroker) => void>> = {
  rejected: (queue) => {
    publishTo(queue, "x");
    assert.ok(queue.cursor!.acquire(1, 0));
    queue.vhost.broker.retention.discard(queue, queue.cursor!.record.offset, "rejected");
  },
  maxlen: (queue) => {
    publishTo(queue, "x");
    assert.ok(queue.cursor!.acquire(1, 0));
    queue.vhost.broker.retention.discard(queue, queue.cursor!.record.offset, "maxlen");
  },
  expired: (queue, { pass }) => {
    queue.canExpire = queue.hasExpirations = true;
    publishTo(queue, "x", { expirationMs: 5 });
    pass(6);
    queue.catchUp();
  },
};

const step = fc.oneof(
  fc.record({
    kind: fc.constant("die" as const),
    way: fc.constantFrom(...Object.keys(ways)),
    queue: fc.nat(2),
  }),
  fc.record({ kind: fc.constant("leave" as const), at: fc.nat(9) }),
  fc.record({ kind: fc.constant("look" as const), most: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("plain" as const) }),
);

test("a look that went through all has the counts of what lies there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const rig = await openBareBroker();
      const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
      const queues = ["a", "b", "c"].map((name) => rig.declare(name, args));
      const dead = rig.declare("dead");
      /** What lies there, by offset. */
      const there = new Map<number, Omit<Counted, "count">>();
      const check = (most: number): void => {
        const { groups, isComplete, walked } = finishNow(grouping(dead, most));
        assert.ok(walked <= most);
        const counts = new Map<string, Counted>();
        for (const each of there.values()) {
          const key = JSON.stringify(each);
          counts.set(key, { ...each, count: (counts.get(key)?.count ?? 0) + 1 });
        }
        const sum = groups.reduce((total, { count }) => total + count, 0);
        for (const { count, hours, first, last } of groups) {
          assert.equal(
            [...hours.values()].reduce((total, each) => total + each, 0),
            count,
          );
          assert.ok(first <= last);
        }
        if (isComplete) {
          const wanted = [...counts.values()];
          assert.deepEqual(
            shown(groups),
            wanted.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
          );
        } else assert.ok(sum < there.size);
      };
      for (const each of steps) {
        const end = dead.log.nextOffset;
        if (each.kind === "die") {
          const queue = queues[each.queue]!;
          ways[each.way]!(queue, rig);
          dead.catchUp();
          assert.equal(dead.log.stableEnd, end + 1);
          there.set(end, { reason: each.way, name: queue.name });
        } else if (each.kind === "plain") {
          publishTo(dead, "no letter");
          there.set(end, { reason: "", name: "" });
        } else if (each.kind === "leave") {
          const offset = [...there.keys()][each.at];
          if (offset === undefined) continue;
          dead.removeAt(offset);
          there.delete(offset);
        } else check(each.most);
      }
      for (let looks = 0; looks <= there.size; looks++) check(1);
      check(1000);
      await rig.close();
    }),
    { numRuns: 60 },
  );
});

test("places are what is defined to be one, also behind bound exchanges; others are not looked at", async () => {
  const { broker, declare, close } = await openBareBroker();
  const vhost = broker.defaultVhost;
  const exchange = (name: string, args: Readonly<Record<string, string>> = {}) =>
    vhost.declareExchange({
      name,
      type: "fanout",
      durable: true,
      autoDelete: false,
      internal: false,
      args,
    });
  const [first, second] = [exchange("first", { "alternate-exchange": "other" }), exchange("second")];
  vhost.bindings.bind(exchange("other"), declare("unrouted"), "", {});
  declare("own.dead", { "x-dead-letters-of": "own" });
  declare("keyed", { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "box" });
  declare("bound", { "x-dead-letter-exchange": "first" });
  declare("lost", { "x-dead-letter-exchange": "nowhere" });
  declare("plain");
  const box = declare("box");
  vhost.bindings.bind(first, second, "", {});
  vhost.bindings.bind(second, first, "", {});
  vhost.bindings.bind(second, declare("far"), "some.key", {});
  const places = finishNow(findingPlaces(vhost));
  assert.deepEqual(places.map(({ name }) => name).toSorted(), ["box", "far", "own.dead", "unrouted"]);
  assert.ok(places.includes(box));
  await close();
});

test("both ways to find places know topics of several partitions, also those that a group's policy names", async () => {
  const { broker, close } = await openBareBroker();
  const vhost = broker.defaultVhost;
  const configs = { "troika.retry.limit": "2" };
  const { partitions } = vhost.topics.create("orders", 3, configs);
  vhost.topics.create("orders.dead", 3, {});
  vhost.topics.create("custom", 2, {});
  const policy = { limit: 2, backoffMs: 0, factor: 1, maxMs: 0, jitter: 0, deadLetter: "custom" };
  createGroup(partitions[1]!, "g");
  setRetryPolicy(partitions[1]!, "g", policy);
  const expected = ["custom-0", "custom-1", "orders.dead-0", "orders.dead-1", "orders.dead-2"];
  const names = (places: readonly Queue[]): string[] => places.map(({ name }) => name).toSorted();
  assert.deepEqual(names(finishNow(findingPlaces(vhost))), expected);
  assert.deepEqual(names(finishNow(findingPlacesOf(vhost, partitions[1]!.name))), expected);
  await close();
});

test("of many places all are looked at in the end, however few letters one look goes through", async () => {
  const rig = await openBareBroker();
  const places: Queue[] = [];
  for (let i = 0; i < 100; i++) {
    const dead = rig.declare(`q${i}.dead`);
    places.push(dead);
    const queue = rig.declare(`q${i}`, {
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": dead.name,
    });
    for (let letters = 0; letters < 3; letters++) ways["rejected"]!(queue, rig);
    dead.catchUp();
  }
  const complete = (): number => {
    let left = 50;
    return places.filter((place) => {
      const { isComplete, walked } = finishNow(grouping(place, left));
      left -= walked;
      return isComplete;
    }).length;
  };
  for (let looks = 0; looks < 5; looks++) complete();
  assert.equal(complete(), places.length);
  await rig.close();
});
