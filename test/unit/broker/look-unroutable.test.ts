/** Samples of unroutable messages against a model: any exchanges, sizes and pauses stay within every bound, and the newest are kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock } from "../../../src/base/clock.ts";
import { limits } from "../../../src/base/limits.ts";
import { UnroutableMessages, UnroutableRoom } from "../../../src/broker/look/unroutable.ts";
import type { AmqpRecordParts } from "../../../src/message/amqp/record.ts";

function message(bodyBytes: number): { asAmqp: () => AmqpRecordParts } {
  const places = { routingKeyStart: 0, routingKeyEnd: 0, propertiesStart: 0, headerEnd: 2, bodyStart: 2 };
  const parts = { ...places, buffer: Buffer.alloc(bodyBytes + 2), bodyEnd: bodyBytes + 2 };
  return { asAmqp: () => parts as AmqpRecordParts };
}

const step = fc.record({
  vhost: fc.nat(2),
  exchange: fc.nat(30),
  count: fc.integer({ min: 1, max: 40 }),
  bytes: fc.constantFrom(0, 10, 100_000),
  pauseMs: fc.constantFrom(0, 300, 1000),
});

test("every bound holds, a pause lets more in, and the newest are kept", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let now = 0;
      const clock: Clock = { now: () => now, monotonic: () => now };
      const room = new UnroutableRoom(clock);
      const vhosts = [0, 1, 2].map(() => new UnroutableMessages(room));
      for (const { vhost, exchange, count, bytes, pauseMs } of steps) {
        now += pauseMs;
        const before = vhosts[vhost]!.samples().filter((each) => each.time === now).length;
        for (let at = 0; at < count; at++) vhosts[vhost]!.moved(`e${exchange}`, message(bytes), "delayed");
        const own = vhosts[vhost]!.samples();
        if (pauseMs === 1000)
          assert.ok(own.some((each) => each.time === now && each.exchange === `e${exchange}`));
        const taken = own.filter((each) => each.time === now).length - before;
        assert.ok(taken <= limits.unroutableSamplesPerSecondOfExchange);
        const all = vhosts.flatMap((each) => each.samples());
        assert.ok(all.length <= limits.unroutableKept);
        assert.ok(own.length <= limits.unroutableKeptOfVhost);
        assert.ok(
          all.every((each) => each.body.length <= limits.unroutableBodyBytesMax && each.bodyBytes >= 0),
        );
        assert.deepEqual(
          own.map(({ time }) => time),
          own.map(({ time }) => time).toSorted((a, b) => b - a),
        );
        for (let name = 0; name <= 30; name++)
          assert.ok(
            own.filter((each) => each.exchange === `e${name}`).length <= limits.unroutableKeptOfExchange,
          );
      }
      for (const each of vhosts) for (let name = 0; name <= 30; name++) each.forget(`e${name}`);
      assert.deepEqual(
        vhosts.flatMap((each) => each.samples()),
        [],
      );
    }),
    { numRuns: 60 },
  );
});

test("the bytes of all virtual hosts together are bounded: the oldest goes", () => {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now };
  const room = new UnroutableRoom(clock);
  const vhosts = Array.from({ length: 12 }, () => new UnroutableMessages(room));
  for (let at = 0; at < 3000; at++, now += 1000)
    vhosts[at % 12]!.moved(`e${at % 240}`, message(1_000_000), "dead_letter");
  const all = vhosts.flatMap((each) => each.samples());
  assert.equal(all.length, limits.unroutableKept);
  assert.equal(Math.min(...all.map(({ time }) => time)), 2_000_000);
  assert.ok(limits.unroutableKept * limits.unroutableBodyBytesMax < limits.unroutableBytesMax);
});
