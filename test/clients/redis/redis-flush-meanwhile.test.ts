/** FLUSHALL deletes the streams that were there when it began: its user was asked about those and no others. */
import assert from "node:assert/strict";
import test from "node:test";
import { Redis } from "ioredis";
import { startTestBroker } from "../../support/broker.ts";

test("a stream of another database that is made while FLUSHALL goes on stays", async () => {
  const broker = await startTestBroker();
  const flusher = new Redis(broker.ports.redis, "127.0.0.1");
  const watcher = new Redis(broker.ports.redis, "127.0.0.1");
  const other = new Redis(broker.ports.redis, "127.0.0.1", { db: 9 });
  try {
    const pipeline = flusher.pipeline();
    for (let i = 0; i < 20_000; i++) pipeline.xadd(`s${i}`, "*", "f", "v");
    await pipeline.exec();
    await other.xadd("old", "*", "f", "v");
    let isFlushed = false;
    const flushed = flusher.flushall().then(() => (isFlushed = true));
    while ((await other.dbsize()) === 1 && (await watcher.dbsize()) === 20_000) continue;
    await other.xadd("new", "*", "f", "v");
    assert.equal(isFlushed, false);
    await flushed;
    assert.deepEqual(await other.keys("*"), ["new"]);
  } finally {
    flusher.disconnect();
    watcher.disconnect();
    other.disconnect();
    await broker.stop();
  }
});
