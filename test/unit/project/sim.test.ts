/** The simulator itself: a seed is a run, step by step. `npm run sim` runs thousands of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, HistoryModel, Promises } from "../../../sim/model.ts";
import { ConsumerGroupModel } from "../../../sim/models/consumer-group.ts";
import { ExpiringKey } from "../../../sim/models/expiring-key.ts";
import { GroupModel } from "../../../sim/models/pending-group.ts";
import { RightModel } from "../../../sim/models/right.ts";
import { StaticMemberModel } from "../../../sim/models/static-member.ts";
import { run } from "../../../sim/run.ts";

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  const { counts } = await run(seed, { trace: (line) => lines.push(line) });
  return [...lines, JSON.stringify(counts)];
}

test("the same seed is the same run, and another is another", { timeout: 60_000 }, async () => {
  const first = await traceOf(7);
  assert.ok(first.length > 50, "a run leaves a trace");
  assert.deepEqual(await traceOf(7), first);
  assert.notDeepEqual(await traceOf(8), first);
});

test("some seeds keep all promises", { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 12; seed++) await run(seed);
});

test("the model of a group takes what may have happened, and nothing else", () => {
  const promises = new Promises();
  const stream = new HistoryModel("h", promises);
  const make = () => {
    const group = new GroupModel("g", stream, promises);
    group.read("one", "1-0", undefined);
    return group;
  };
  make().check([["1-0", "one", 1]]);
  assert.throws(() => make().check([]), Fault);
  assert.throws(() => make().check([["1-0", "two", 1]]), Fault);
  assert.throws(() => make().check([["1-0", "one", 2]]), Fault);
  const claimed = make();
  claimed.mayHaveClaimed("two", ["1-0"], "more");
  claimed.check([["1-0", "two", 2]]);
  assert.throws(() => claimed.check([["1-0", "one", 1]]), Fault, "what was seen is the truth");
  const lost = make();
  lost.mayHaveRead("two", 1);
  const tooMany: [string, string, number][] = [
    ["1-0", "one", 1],
    ["2-0", "two", 1],
    ["3-0", "two", 1],
  ];
  assert.throws(() => lost.check(tooMany), Fault, "it had asked for one");
  const acked = make();
  acked.acked("1-0", true);
  acked.crashed("kill");
  assert.throws(() => acked.check([["1-0", "one", 1]]), Fault);
  const forgotten = make();
  forgotten.acked("1-0", true);
  forgotten.crashed("power");
  forgotten.check([["1-0", "one", 1]]);
});

test("the model of a consumer group knows a generation that is over, and a position that went back", () => {
  const promises = new Promises();
  const group = new ConsumerGroupModel("g", [new HistoryModel("h", promises)], promises);
  const join = (number: number, leader: string) =>
    group.joined({ number, leader, askedAt: promises.number() }, leader, [leader]);
  const first = join(1, "a");
  group.taken("Heartbeat", first, promises.number());
  join(2, "b");
  assert.throws(() => group.taken("Heartbeat", first, promises.number()), Fault);
  group.committing("h", 5);
  group.committed("h", 5, "durable");
  group.crashed("power");
  group.found("h", 5, promises.number());
  assert.throws(() => group.found("h", -1, promises.number()), Fault);
  assert.throws(() => group.found("h", 6, promises.number()), Fault, "nobody committed it");
});

test("the model of a group knows an entry that a read left out", () => {
  const promises = new Promises();
  const stream = new HistoryModel("h", promises);
  const make = () => new GroupModel("g", stream, promises);
  for (const [body, id] of [
    ["p/0", "1-0"],
    ["p/1", "2-0"],
  ] as const) {
    stream.sent(body);
    stream.told(body, "written", id);
  }
  const askedAt = promises.number();
  const ask = (count: number, readsFail = false) => ({ askedAt, count, readsFail });
  assert.throws(
    () => make().readAll(ask(5, true), []),
    Fault,
    "where nothing was given it would have been an error",
  );
  assert.throws(() => make().readAll(ask(5), []), Fault);
  const group = make();
  group.read("one", "1-0", "p/0");
  group.readAll(ask(1), ["1-0"]);
  assert.throws(() => group.readAll(ask(2), ["1-0"]), Fault, "it had asked for two");
  group.readAll(ask(2, true), ["1-0"]);
  const lost = make();
  lost.mayHaveRead("one", 5);
  lost.readAll(ask(5), []);
});

test("the model of a right knows what was taken, also after a power failure", () => {
  const make = () => {
    const right = new RightModel("u", new Promises());
    right.changed("given");
    right.changed("taken");
    return right;
  };
  make().seen("a write was refused", ["taken"]);
  const failed = make();
  failed.crashed("power");
  assert.throws(() => failed.seen("a write was taken", ["given"]), Fault);
  assert.equal(failed.mayBeGiven, false);
  const unsure = make();
  unsure.mayHaveChanged("given");
  unsure.crashed("power");
  assert.equal(unsure.mayBeGiven, true);
  unsure.seen("a write was refused", ["taken"]);
  assert.equal(unsure.mayBeGiven, false);
});

test("the model of a static member serves the last who joined", () => {
  const model = new StaticMemberModel("name");
  model.joined({ memberId: "a", askedAt: 1, toldAt: 2 });
  model.joined({ memberId: "b", askedAt: 3, toldAt: 5 });
  model.taken("a heartbeat", "a", 4);
  model.taken("a heartbeat", "b", 6);
  assert.throws(() => model.taken("a heartbeat", "a", 6), Fault);
  assert.throws(() => model.joined({ memberId: "b", askedAt: 7, toldAt: 8 }), Fault);
});

test("the model of an expiring key knows what is due", () => {
  const make = () => {
    const key = new ExpiringKey("k", new Promises());
    const next = { text: "v", end: { from: 100, to: 110 } };
    key.answered(
      "SET",
      { from: 0, to: 10 },
      () => ({ next }),
      () => ({ next }),
    );
    return key;
  };
  const isFound = (key: ExpiringKey, from: number, to: number, isThere: boolean) =>
    key.answered(
      "GET",
      { from, to },
      (value) => (isThere ? { next: value } : null),
      () => (isThere ? null : { next: null }),
    );
  isFound(make(), 20, 30, true);
  isFound(make(), 105, 106, true);
  isFound(make(), 105, 106, false);
  isFound(make(), 200, 210, false);
  assert.throws(() => isFound(make(), 20, 30, false), Fault);
  assert.throws(() => isFound(make(), 110, 120, true), Fault);
  const gone = make();
  isFound(gone, 105, 106, false);
  assert.throws(() => isFound(gone, 105, 106, true), Fault);
});
