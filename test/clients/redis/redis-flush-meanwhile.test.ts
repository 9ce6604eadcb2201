/** FLUSHALL deletes the streams that were there when it began: its user was asked about those and no others. */
import assert from "node:assert/strict";
import test from "node:test";
import { Redis } from "ioredis";
import { limits } from "../../../src/base/limits.ts";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";

const count = 20_000;
/** A key that is looked at costs at least one unit of a turn's work. */
const turnsMin = Math.floor(count / limits.turnWorkUnits);

test(
  "a stream of another database that is made while FLUSHALL goes on stays",
  { skip: process.platform === "win32" },
  async () => {
    const broker = await startTestBroker();
    const filler = new Redis(broker.ports.redis, "127.0.0.1");
    const flusher = await RawRedis.open(broker.ports.redis);
    const other = await RawRedis.open(broker.ports.redis);
    try {
      const pipeline = filler.pipeline();
      for (let i = 0; i < count; i++) pipeline.xadd(`s${i}`, "*", "f", "v");
      await pipeline.exec();
      assert.equal(await other.call("select", 9), "+OK\r\n");
      await other.call("xadd", "old", "*", "f", "v");
      const turnsBefore = await broker.metric("troikamq_turns_continued_total");
      // The broker stands still while both are sent, so it finds the second in the turn in which FLUSHALL begins.
      process.kill(broker.pid, "SIGSTOP");
      const flushed = flusher.call("flushall");
      const added = other.call("xadd", "new", "*", "f", "v");
      await new Promise((resolve) => setImmediate(resolve));
      process.kill(broker.pid, "SIGCONT");
      assert.match(await added, /^\$/);
      assert.equal(await flushed, "+OK\r\n");
      const turns = (await broker.metric("troikamq_turns_continued_total")) - turnsBefore;
      assert.ok(turns >= turnsMin, `FLUSHALL went on in ${turns} turns`);
      assert.equal(await other.call("keys", "*"), "*1\r\n$3\r\nnew\r\n");
    } finally {
      filler.disconnect();
      await flusher.close();
      await other.close();
      await broker.stop();
    }
  },
);
