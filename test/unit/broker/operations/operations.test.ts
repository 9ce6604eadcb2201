/** Operations run at their rate, end as they should, are remembered over a restart, and are bounded in number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../../../src/base/limits.ts";
import type { Job } from "../../../../src/base/turn-work.ts";
import type { Operation } from "../../../../src/broker/operations/operation.ts";
import type { OperationBody } from "../../../../src/broker/operations/operations.ts";
import { Pace } from "../../../../src/broker/operations/pace.ts";
import { openBareBroker } from "../../../support/bare-broker.ts";

const options = { kind: "retry", vhost: "/", source: "q.dead", startedBy: "guest", rate: null } as const;

/** Moves so many, without a queue. */
function moving(count: number): OperationBody {
  return function* ({ counts }: Operation): Job<void> {
    for (let left = count; left > 0; left--) {
      counts.matched++;
      counts.moved++;
      yield 1;
    }
  };
}

test("a short one has ended when it has begun; a long one goes on in later turns", async () => {
  const { broker, turnsUntil, close } = await openBareBroker();
  const { operations } = broker;
  assert.equal(operations.start(options, moving(10)).state, "finished");
  const long = operations.start(options, moving(100_000));
  assert.equal(long.state, "running");
  let isTold = false;
  void operations.ended(long, 1000).then(() => (isTold = true));
  await turnsUntil(() => isTold);
  assert.deepEqual([long.state, long.counts.moved], ["finished", 100_000]);
  assert.notEqual(broker.ticker.ticks, 0);
  await close();
});

test("it moves as many a second as was asked for, until it is cancelled", async () => {
  const { broker, pass, close } = await openBareBroker();
  const operation = broker.operations.start({ ...options, rate: 100 }, moving(1000));
  const { counts } = operation;
  assert.equal(counts.moved, 1);
  pass(1000);
  assert.ok(counts.moved >= 95 && counts.moved <= 101, String(counts.moved));
  const before = counts.moved;
  broker.operations.cancel(operation);
  assert.equal(operation.state, "cancelled");
  pass(1000);
  assert.equal(counts.moved, before);
  await close();
});

test("a pace gives so many a second, one by one, and makes up for a tenth of a second at most", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 50 }),
      (rate, pauses) => {
        const pace = new Pace(rate, 0);
        let now = 0;
        let moved = 0;
        let most = 1;
        for (const pause of pauses) {
          now += pause;
          most += Math.min((pause * rate) / 1000, Math.max(rate / 10, 1));
          for (; pace.may(now); moved++) pace.moved(1);
          assert.ok(moved <= most + 0.001, `${moved} of ${most}`);
          assert.ok(pace.msToNext >= 1 && pace.msToNext <= 1 + 1000 / rate);
        }
        // Whoever comes when it says so loses none.
        const from = moved;
        const until = now + 1000;
        while ((now += pace.msToNext) <= until) for (; pace.may(now); moved++) pace.moved(1);
        assert.ok(moved - from >= Math.floor(rate * 0.98) - 1, `${moved - from} of ${rate}`);
      },
    ),
  );
  const free = new Pace(null, 0);
  for (let left = 1000; left > 0; left--) free.moved(1);
  assert.ok(free.may(0));
});

test("what has failed says why; a wait for one that goes on ends", async () => {
  const { broker, pass, close } = await openBareBroker();
  const failing = broker.operations.start(options, function* () {
    yield 1;
    throw new Error("the disk");
  });
  assert.deepEqual([failing.state, failing.error], ["failed", "the disk"]);
  const slow = broker.operations.start({ ...options, rate: 1 }, moving(1000));
  let isTold = false;
  const told = broker.operations.ended(slow, 500).then(() => (isTold = true));
  pass(600);
  await told;
  assert.deepEqual([isTold, slow.state], [true, "running"]);
  broker.operations.cancel(slow);
  await close();
});

test("so many run, and so many are remembered", async () => {
  const { broker, close } = await openBareBroker();
  const { operations } = broker;
  const { operationsRunningMax: most, operationsRunningOfUserMax: ofUser } = limits;
  const slow = Array.from({ length: most }, (_, at) => {
    const startedBy = `user ${Math.floor(at / ofUser)}`;
    const started = operations.start({ ...options, startedBy, rate: 1 }, moving(1000));
    if (at === ofUser - 1)
      assert.throws(() => operations.start({ ...options, startedBy }, moving(1)), { code: "LIMIT" });
    return started;
  });
  assert.throws(() => operations.start(options, moving(1)), { code: "LIMIT" });
  for (const each of slow.slice(1)) operations.cancel(each);
  for (let each = 0; each < limits.operationsKeptMax; each++) operations.start(options, moving(1));
  assert.equal([...operations.all()].length, limits.operationsKeptMax);
  assert.equal(operations.get(slow[0]!.id), slow[0], "the one that runs is not forgotten");
  operations.cancel(slow[0]!);
  await close();
});

test("a restart keeps what is known, and what it has cut short has failed", async () => {
  const first = await openBareBroker();
  const ended = first.broker.operations.start(options, moving(3));
  const cut = first.broker.operations.start({ ...options, rate: 1 }, (operation) => {
    first.broker.operations.movesTo(operation, "q");
    return moving(1000)(operation);
  });
  await first.close();
  const second = await openBareBroker(first.disk);
  const { operations } = second.broker;
  const restored = operations.get(ended.id)!;
  assert.deepEqual(restored.stored, ended.stored);
  const failed = operations.get(cut.id)!;
  assert.deepEqual([failed.state, [...failed.targets]], ["failed", ["q"]]);
  assert.match(failed.error!, /stopped/);
  assert.notEqual(operations.start(options, moving(1)).id.split("-")[0], cut.id.split("-")[0]);
  await second.close();
});

test("what one user starts makes others forgotten last, and dry runs first", async () => {
  const { broker, close } = await openBareBroker();
  const { operations } = broker;
  const kept = operations.start({ ...options, startedBy: "admin" }, moving(1));
  const begin = async (isDry: boolean): Promise<string> => {
    const { id } = operations.start({ ...options, startedBy: "low", ...(isDry ? { isDry } : {}) }, moving(1));
    // Its work is done in the turn, as far as that has room.
    await new Promise(setImmediate);
    return id;
  };
  const first = await begin(false);
  for (let each = 0; each < limits.operationsKeptMax; each++) await begin(true);
  assert.deepEqual([operations.get(kept.id), operations.get(first)?.id], [kept, first]);
  for (let each = 0; each < limits.operationsKeptMax; each++) await begin(false);
  assert.deepEqual([operations.get(kept.id), operations.get(first)], [kept, undefined]);
  await close();
});

test("an operation ends once its user may not go on", async () => {
  const { broker, pass, close } = await openBareBroker();
  let may = true;
  const running = broker.operations.start({ ...options, rate: 10 }, moving(1000), undefined, () => may);
  pass(500);
  assert.equal(running.state, "running");
  may = false;
  const { moved } = running.counts;
  pass(500);
  assert.deepEqual([running.state, running.counts.moved], ["failed", moved]);
  assert.match(running.error!, /may not/);
  await close();
});

test("after a restart they stand as they were started, though the clock was set back; the first is forgotten first", async () => {
  const first = await openBareBroker();
  const started = Array.from({ length: 12 }, () => {
    first.pass(-10);
    return first.broker.operations.start(options, moving(1)).id;
  });
  await first.close();
  const second = await openBareBroker(first.disk);
  const { operations } = second.broker;
  assert.deepEqual(
    Array.from(operations.all(), ({ id }) => id),
    started,
  );
  const more = limits.operationsKeptMax - started.length + 1;
  for (let left = more; left > 0; left--) operations.start(options, moving(1));
  assert.deepEqual([operations.get(started[0]!), operations.get(started[1]!)?.id], [undefined, started[1]]);
  await second.close();
});
