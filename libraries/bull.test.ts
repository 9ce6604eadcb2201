/** bull 4 and bee-queue. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import BeeQueue from "bee-queue";
import Bull from "bull";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";
import { until } from "../test/support/wait.ts";

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

test("bull: jobs, delay, priority, retries, repeat, rate limit", async () => {
  const redis = { host: "127.0.0.1", port: broker.ports.redis };
  const queue = new Bull("bull", { redis, limiter: { max: 50, duration: 100 } });
  const seen: string[] = [];
  queue.on("error", (error: Error) => seen.push(`error ${error.message}`));
  void queue.process("*", 5, async (job: { name: string; data: { n: number }; attemptsMade: number }) => {
    seen.push(job.name);
    if (job.name === "fails" && job.attemptsMade === 0) throw new Error("first");
    return job.data.n * 2;
  });
  const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: "j", data: { n } })));
  assert.deepEqual(
    await Promise.all(jobs.map((job: { finished(): Promise<number> }) => job.finished())),
    Array.from({ length: 20 }, (_, n) => n * 2),
  );
  const fails = await queue.add("fails", { n: 4 }, { attempts: 2, backoff: 20 });
  assert.equal(await fails.finished(), 8);
  const later = await queue.add("later", { n: 5 }, { delay: 100, priority: 2 });
  assert.equal(await later.finished(), 10);
  await queue.add("tick", { n: 1 }, { repeat: { every: 100, limit: 2 } });
  await until(() => seen.filter((name) => name === "tick").length === 2, "two ticks");
  assert.deepEqual(
    seen.filter((name) => name.startsWith("error")),
    [],
  );
  await queue.close();
});

test("bee-queue: jobs, delay, retries, events", async () => {
  const redis = { host: "127.0.0.1", port: broker.ports.redis };
  const queue = new BeeQueue("bee", { redis, activateDelayedJobs: true });
  queue.process(5, async (job: { data: { n: number; fail?: boolean }; options: { retries: number } }) => {
    if (job.data.fail === true && job.options.retries > 0) throw new Error("again");
    return job.data.n * 2;
  });
  const finished = async (job: ReturnType<typeof queue.createJob>): Promise<unknown> => {
    const result = new Promise((resolve, reject) => {
      job.on("succeeded", resolve);
      job.on("failed", reject);
    });
    await job.save();
    return result;
  };
  assert.equal(await finished(queue.createJob({ n: 1 })), 2);
  assert.equal(await finished(queue.createJob({ n: 2, fail: true }).retries(1).backoff("fixed", 20)), 4);
  assert.equal(await finished(queue.createJob({ n: 3 }).delayUntil(Date.now() + 100)), 6);
  assert.equal((await queue.checkHealth()).succeeded, 3);
  await queue.close();
});
