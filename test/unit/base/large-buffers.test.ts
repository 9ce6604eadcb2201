/** Large buffers that wait for the next who needs one: how many, and that they go on doing so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { giveLargeBuffer, takeLargeBuffer } from "../../../src/base/large-buffers.ts";

const mebibyte = 1 << 20;
const keptMebibytes = 16;

/** Other files may share this process, and have given some of any size. */
function drain(): void {
  for (let size = mebibyte / 4; size <= keptMebibytes * mebibyte; size *= 2)
    while (takeLargeBuffer(size) !== undefined);
}

function takeAll(): Buffer[] {
  const taken: Buffer[] = [];
  for (let next = takeLargeBuffer(mebibyte); next !== undefined; next = takeLargeBuffer(mebibyte))
    taken.push(next);
  return taken;
}

test("as many are kept as the bound says, however often they were given and taken", () => {
  drain();
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < keptMebibytes + 4; i++) giveLargeBuffer(Buffer.allocUnsafeSlow(mebibyte));
    assert.equal(takeAll().length, keptMebibytes);
  }
});

test("a buffer is not wasted on much less than it holds, and a small one is not kept", () => {
  drain();
  giveLargeBuffer(Buffer.allocUnsafeSlow(8 * mebibyte));
  assert.equal(takeLargeBuffer(mebibyte), undefined);
  assert.equal(takeLargeBuffer(4 * mebibyte)?.length, 8 * mebibyte);
  giveLargeBuffer(Buffer.allocUnsafeSlow(mebibyte / 8));
  assert.equal(takeLargeBuffer(mebibyte / 8), undefined);
});
