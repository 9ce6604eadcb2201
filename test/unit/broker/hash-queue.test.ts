import assert from "node:assert/strict";
import { test } from "node:test";
import { HashQueue } from "../../../src/broker/access/hash-queue.ts";
import { SimTime } from "../../../sim/time.ts";

/** As many as may wait, and one more. */
const addresses = 4097;

test("an address whose only attempt gave its place to another is no longer in the line", () => {
  const time = new SimTime();
  const running: ((hash: Buffer | null) => void)[] = [];
  const queue = new HashQueue(time, time, (_digest, _salt, done) => void running.push(done));
  let answered = 0;
  const attempt = (address: string): void => queue.add(address, "digest", "salt", () => answered++);
  // Two of them are computed, the rest wait.
  for (let i = 0; i < addresses + 2; i++) attempt(`address${i}`);
  for (let done = running.shift(); done !== undefined; done = running.shift()) done(null);
  assert.equal(answered, addresses + 2);
});
