/** The reserve of a full disk: given up piece by piece, and then there is none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskRoom } from "../../../src/storage/journal/disk-room.ts";
import { limits } from "../../../src/base/limits.ts";

test("the reserve is given up in pieces, each of which is gone then", async () => {
  let size = 0;
  let freeBytes = 1 << 30;
  const file = {
    size: () => size,
    truncate: (to: number) => void (size = to),
    writeLater: async (_bytes: Uint8Array, start: number, end: number, at: number) =>
      void (size = at + end - start),
    close: () => {},
  };
  const disk = {
    space: () => ({ freeBytes, totalBytes: 100 * 1024 ** 3 }),
    list: () => [],
    open: () => file,
  };
  const room = new DiskRoom(disk as never, "d", "auto");
  room.open();
  room.tend();
  for (let i = 0; room.reserveBytes < limits.diskReserveBytes; i++) {
    assert.ok(i < 1000, "the reserve is not filled");
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(size, limits.diskReserveBytes);
  freeBytes = 0;
  const left: number[] = [];
  while (room.giveUp()) {
    left.push(room.reserveBytes);
    assert.equal(room.reserveBytes, size);
    assert.ok(left.length < 100, "there is no end to the reserve");
  }
  assert.equal(left.length, 8);
  assert.deepEqual(
    left,
    left.toSorted((a, b) => b - a),
  );
  assert.equal(room.reserveBytes, 0);
  assert.ok(room.isLow);
  // It is low until the reserve is whole again.
  freeBytes = 1 << 30;
  room.look();
  assert.ok(room.isLow);
});
