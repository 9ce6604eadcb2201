/** How often records were given out before the process ended, as the cursor's state writes it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { EarlierDeliveries } from "../../../src/broker/cursor/earlier-deliveries.ts";
import { PendingTable } from "../../../src/broker/cursor/pending-table.ts";
import type { Log } from "../../../src/storage/index.ts";

const removed = new Set([7]);
const log = { firstOffset: 5, removed: { has: (offset: number) => removed.has(offset) } } as unknown as Log;

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
function encoded(earlier: EarlierDeliveries): (readonly [number, number])[] {
  const writer = new ByteWriter();
  const count = earlier.encode(writer, log);
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

test("what is written is what is there still and was not given out again, the first record too", () => {
  const earlier = restored();
  assert.deepEqual(encoded(earlier), [
    [5, 3],
    [8, 4],
  ]);
  earlier.countNow(5);
  assert.deepEqual(encoded(earlier), [[8, 4]]);
  removed.add(8);
  assert.deepEqual(encoded(earlier), []);
  removed.delete(8);
});
