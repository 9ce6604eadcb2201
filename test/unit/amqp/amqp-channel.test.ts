/** What a channel remembers of its deliveries and its publishes, held against the simplest model of each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { Confirms } from "../../../src/protocols/amqp/channel/confirms.ts";
import { Unacked, type UnackedSource } from "../../../src/protocols/amqp/channel/unacked.ts";

function source(): UnackedSource {
  return {
    queue: null as never,
    id: 1,
    tag: "t",
    takesRecords: true,
    held: 0,
    uncommitted: 0,
    slot: 0,
    mayTakeAgain() {},
  };
}

test("unacknowledged deliveries: any order of adding, taking and putting back is that of a map", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("add" as const),
      source: fc.nat(2),
      many: fc.integer({ min: 1, max: 300 }),
    }),
    fc.record({ kind: fc.constant("take" as const), at: fc.nat(2000) }),
    fc.record({ kind: fc.constant("takeUpTo" as const), at: fc.nat(2000) }),
    fc.record({
      kind: fc.constant("takeAll" as const),
      from: fc.nat(2000),
      many: fc.integer({ min: 1, max: 300 }),
    }),
    fc.record({ kind: fc.constant("detach" as const), at: fc.nat(2000) }),
    fc.record({ kind: fc.constant("restore" as const), at: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const unacked = new Unacked();
      const sources = [source(), source(), source()];
      const model = new Map<number, { source: UnackedSource; offset: number }>();
      const taken: { tag: number; source: UnackedSource; offset: number }[] = [];
      let offset = 0;
      const take = (tag: number): void => {
        const expected = model.get(tag);
        assert.equal(unacked.take(tag), expected !== undefined);
        if (expected === undefined) return;
        assert.equal(unacked.source, expected.source);
        assert.equal(unacked.offset, expected.offset);
        model.delete(tag);
        taken.push({ tag, ...expected });
      };
      for (const each of steps) {
        if (each.kind === "add") {
          for (let i = 0; i < each.many; i++) {
            const tag = unacked.add(sources[each.source]!, offset);
            model.set(tag, { source: sources[each.source]!, offset: offset++ });
          }
        } else if (each.kind === "take") take(each.at);
        else if (each.kind === "takeAll") {
          for (let at = 0; at < each.many; at++) take(each.from + at);
        } else if (each.kind === "detach") {
          const expected = [...model.keys()].filter((tag) => tag <= each.at).toSorted((a, b) => a - b);
          const found: number[] = [];
          for (const page of unacked.detach(each.at)) {
            let from = 0;
            while ((from = unacked.takeDetached(page, from)) >= 0) {
              const tag = expected[found.length]!;
              found.push(unacked.offset);
              assert.equal(unacked.offset, model.get(tag)?.offset);
              assert.equal(unacked.source, model.get(tag)?.source);
              taken.push({ tag, ...model.get(tag)! });
              model.delete(tag);
            }
          }
          assert.equal(found.length, expected.length);
        } else if (each.kind === "takeUpTo") {
          const expected = [...model.keys()].filter((tag) => tag <= each.at).toSorted((a, b) => a - b);
          const found: number[] = [];
          for (const tag of unacked.upTo(each.at)) {
            found.push(tag);
            take(tag);
          }
          assert.deepEqual(found, expected);
        } else {
          const [back] = taken.splice(each.at % Math.max(taken.length, 1), 1);
          if (back === undefined) continue;
          unacked.restore(back.source, back.tag, back.offset);
          model.set(back.tag, back);
        }
        assert.equal(unacked.size, model.size);
        for (const owner of sources) {
          assert.equal(owner.held, [...model.values()].filter((entry) => entry.source === owner).length);
        }
      }
    }),
    { numRuns: 200 },
  );
});

/** The answers in `bytes`: which sequence numbers were acked and nacked, in order. */
function answers(bytes: Buffer, answered: { upTo: number; list: string[] }): void {
  for (let at = 0; at < bytes.length; at += 21) {
    const methodId = bytes.readUInt16BE(at + 9);
    const tag = Number(bytes.readBigUInt64BE(at + 11));
    const isMultiple = bytes[at + 19] === 1;
    assert.ok(methodId === 80 || !isMultiple);
    for (let each = isMultiple ? answered.upTo + 1 : tag; each <= tag; each++) {
      answered.list.push(`${methodId === 80 ? "ack" : "nack"} ${each}`);
    }
    answered.upTo = tag;
  }
}

test("confirms: every publish is answered once, in order, and not before it is durable", () => {
  const step = fc.record({
    publishes: fc.array(fc.record({ isDurable: fc.boolean(), isRefused: fc.boolean() }), { maxLength: 20 }),
    isSynced: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
      const confirms = new Confirms(1);
      const answered = { upTo: 0, list: [] as string[] };
      const expected: string[] = [];
      const positions: number[] = [];
      let pending = 0;
      let written = 0;
      let durable = 0;
      const release = (): void => {
        const output = new ByteWriter();
        confirms.release(output, durable);
        answers(output.view(), answered);
        for (let i = 0; i < answered.list.length; i++) assert.ok(positions[i]! <= durable);
      };
      for (const { publishes, isSynced } of steps) {
        for (const { isDurable, isRefused } of publishes) {
          if (isDurable) pending += 10;
          confirms.add(isDurable ? pending : 0, written, isRefused);
          positions.push(isDurable ? pending : 0);
          expected.push(`${isRefused ? "nack" : "ack"} ${expected.length + 1}`);
        }
        release();
        written = pending;
        if (isSynced) durable = written;
        release();
      }
      durable = written;
      release();
      assert.deepEqual(answered.list, expected);
      assert.equal(confirms.confirmed, expected.filter((each) => each.startsWith("ack")).length);
      assert.equal(confirms.isWaiting, false);
    }),
    { numRuns: 300 },
  );
});

test("sources that come and go leave no slots behind, and deliveries that are settled no pages", () => {
  const unacked = new Unacked();
  const stays = source();
  for (let i = 0; i < 3000; i++) {
    const each = source();
    const tags = [unacked.add(each, i), unacked.add(stays, i), unacked.add(each, i)];
    assert.ok(each.slot <= 2, `slot ${each.slot} for the second source`);
    for (const tag of tags) assert.ok(unacked.take(tag));
    assert.equal(each.slot, 0);
    assert.equal(unacked.pageCount, 1);
  }
  // One that stays outstanding keeps its page, and no other.
  const oldest = unacked.add(stays, 1);
  for (let i = 0; i < 3000; i++) unacked.take(unacked.add(source(), i));
  assert.equal(unacked.pageCount, 2);
  unacked.take(oldest);
  assert.equal(unacked.pageCount, 1);
  assert.equal(unacked.size, 0);
  // What is left of a page after many were settled at once may be nothing.
  const from = unacked.add(stays, 1);
  for (let i = 0; i < 999; i++) unacked.add(stays, i);
  for (let tag = from + 690; tag < from + 999; tag++) unacked.take(tag);
  unacked.add(stays, 1000);
  for (const page of unacked.detach(from + 689)) {
    for (let at = 0; (at = unacked.takeDetached(page, at)) >= 0;);
  }
  assert.equal(unacked.size, 2);
  assert.equal(unacked.pageCount, 1);
});
