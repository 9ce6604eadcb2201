/** Where a stream consumer starts, in a log of which no two answers are the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldValue } from "../../../src/message/amqp/table.ts";
import { streamStart } from "../../../src/protocols/amqp/channel/stream-offset.ts";

const now = 1_000_000_000;
/** Offsets 10 to 19; a record for each minute, the newest of a minute ago. */
const queue = {
  log: {
    firstOffset: 10,
    nextOffset: 20,
    stableEnd: 20,
    offsetOfTimestamp: (time: number): number => {
      for (let offset = 10; offset < 20; offset++) if (now - (20 - offset) * 60_000 >= time) return offset;
      return -1;
    },
  },
};

function startOf(type: string, value: unknown): number {
  return streamStart(queue as never, { type, value } as unknown as FieldValue, now);
}

test("without an argument and by words", () => {
  assert.equal(streamStart(queue as never, undefined, now), 20);
  assert.equal(startOf("S", "first"), 10);
  assert.equal(startOf("S", "last"), 19);
  assert.equal(startOf("S", "next"), 20);
});

test("by an offset, also one that is gone or yet to come", () => {
  for (const offset of [0, 15, 25]) assert.equal(startOf("l", offset), offset);
  assert.throws(() => startOf("l", -1), /x-stream-offset/);
});

test("by a time: the first record as new, none before it, and the end where none is", () => {
  const secondsOf = (minutesAgo: number): number => now / 1000 - minutesAgo * 60;
  assert.equal(startOf("T", secondsOf(100)), 10);
  assert.equal(startOf("T", secondsOf(5)), 15);
  assert.equal(startOf("T", secondsOf(5) + 1), 16);
  assert.equal(startOf("T", secondsOf(1)), 19);
  assert.equal(startOf("T", secondsOf(0)), 20);
});

test("by an interval", () => {
  assert.equal(startOf("S", "5m"), 15);
  assert.equal(startOf("S", "1h"), 10);
  assert.equal(startOf("S", "30s"), 20);
  assert.throws(() => startOf("S", "soon"), /x-stream-offset/);
});
