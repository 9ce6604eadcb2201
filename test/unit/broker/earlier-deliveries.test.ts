/** How often records were given out before the process ended, as the cursor's state writes it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { EarlierDeliveries } from "../../../src/broker/cursor/earlier-deliveries.ts";
import { PendingTable } from "../../../src/broker/cursor/pending-table.ts";
import type { Log } from "../../../src/storage/index.ts";

const removed = new Set([7]);
const log = { removed: { has: (offset: number) => removed.has(offset) } } as unknown as Log;

function restored(): EarlierDeliveries {
  const pending = new PendingTable();
  for (const [offset, count] of [
    [5, 3],
    [7, 2],
    [8, 4],
  ] as const)
    pending.set(offset, 1, count, 0);
  const earlier = new EarlierDeliveries();
  earlier.restored(10, pending, log);
  return earlier;
}

/** Offsets with counts, as `encodeReturned` writes them. */
function encoded(earlier: EarlierDeliveries, from: number): (readonly [number, number])[] {
  const writer = new ByteWriter();
  const count = earlier.encode(writer, from, log);
  const reader = new ByteReader(writer.buffer, 0, writer.length);
  const all = Array.from({ length: count }, () => {
    const offset = reader.int64();
    reader.int32();
    const times = reader.uint32();
    reader.int64();
    return [offset, times] as const;
  });
  assert.equal(reader.remaining, 0);
  return all;
}

test("a record that was given out is counted on; one beyond is new", () => {
  const earlier = restored();
  assert.deepEqual(
    [5, 6, 8, 10].map((offset) => earlier.countNow(offset)),
    [4, 2, 5, 1],
  );
});

test("what is written is what is there still, from the record that comes next on", () => {
  assert.deepEqual(encoded(restored(), 0), [
    [5, 3],
    [8, 4],
  ]);
  assert.deepEqual(encoded(restored(), 5), [
    [5, 3],
    [8, 4],
  ]);
  assert.deepEqual(encoded(restored(), 6), [[8, 4]]);
  assert.deepEqual(encoded(restored(), 9), []);
});
