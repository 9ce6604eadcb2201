/** What is due soon is read before, and comes as what is read when it is due: in order, whole, once, and not if it was cancelled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setSizes } from "../../../../src/base/sizes.ts";
import { EntryId } from "../../../../src/message/entry-id.ts";
import { envelope } from "../../../../src/message/envelope.ts";
import { SoonBudget } from "../../../../src/broker/schedule/soon-budget.ts";
import { Timetable } from "../../../../src/broker/schedule/timetable.ts";
import { openBareBroker } from "../../../support/bare-broker.ts";

for (const readSoonBytesMax of [64 << 20, 0])
  test(`records in any order over many windows enter in the order of their times, whole, but those that were cancelled; ${readSoonBytesMax} bytes to read ahead`, async (t) => {
    setSizes({
      waitingBytesReadSoon: 0,
      readSoonBytesMax,
      chunkBytes: 4096,
      journalCacheBytes: 4096,
      readBlockBytes: 1024,
    });
    t.after(() => setSizes({}));
    const bare = await openBareBroker();
    const { broker, pass, turnsUntil } = bare;
    const entered: { body: string; at: number }[] = [];
    const table = new Timetable(broker, {
      vhostPrefix: "\0test/",
      enter: (_vhost, _name, { buffer, start, end }) => {
        entered.push({ body: buffer.latin1Slice(start, end), at: broker.clock.now() });
        return true;
      },
    });
    const start = broker.clock.now();
    const expected: { body: string; due: number; number: number }[] = [];
    const cancelled: EntryId[] = [];
    for (let number = 0; number < 2000; number++) {
      const due = start + 500 + ((number * 7919) % 9973);
      const body = `${number} `.padEnd(number % 100 === 0 ? 20_000 : 60, "x");
      const bytes = Buffer.from(body);
      const handle = new EntryId();
      const record = { due, envelope: envelope.amqp, buffer: bytes, start: 0, end: bytes.length };
      table.add(broker.defaultVhost, "q", record, handle);
      if (number % 7 === 0) cancelled.push(handle);
      else expected.push({ body, due, number });
      if (number % 100 === 99) {
        const ticks = bare.ticks();
        await turnsUntil(() => bare.ticks() > ticks);
      }
    }
    for (const handle of cancelled.slice(0, 150)) table.cancel(broker.defaultVhost, "q", handle);
    let rest = cancelled.slice(150);
    while (broker.wallTimers.size > 0) {
      pass(100);
      // In the middle of a window that has been read.
      if (broker.clock.now() > start + 600) {
        for (const handle of rest) table.cancel(broker.defaultVhost, "q", handle);
        rest = [];
      }
      await turnsUntil(() => broker.work.waitingCount === 0);
    }
    expected.sort((a, b) => a.due - b.due || a.number - b.number);
    const bodies = entered.map(({ body }) => body);
    const isCancelled = (body: string): boolean => Number(body.slice(0, body.indexOf(" "))) % 7 === 0;
    assert.deepEqual(
      bodies.filter((body) => !isCancelled(body)),
      expected.map(({ body }) => body),
    );
    // Those of the last that were due before they were cancelled.
    assert.ok(bodies.filter(isCancelled).length < 20);
    for (const [i, { due }] of expected.entries())
      assert.ok(entered.filter(({ body }) => !isCancelled(body))[i]!.at >= due);
    // Nothing waits, so nothing is held.
    assert.equal(broker.wallTimers.soonBudget.take(readSoonBytesMax), true);
    await bare.close();
  });

test("a budget gives what it has, and has again what is given back", () => {
  const budget = new SoonBudget(10);
  assert.deepEqual(
    [budget.take(6), budget.take(6), budget.take(4), budget.take(1)],
    [true, false, true, false],
  );
  budget.giveBack(6);
  assert.deepEqual([budget.take(6), budget.take(1)], [true, false]);
});
