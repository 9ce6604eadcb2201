/** BullMQ 5 and 6: queue, worker, delays, schedulers, flows, priorities, rate limit, retries with back-off, events. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as bullmq5 from "bullmq";
import * as bullmq6 from "bullmq-6";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";
import { until } from "../test/support/wait.ts";

let broker: TestBroker;
let connection: { host: string; port: number; maxRetriesPerRequest: null };

before(async () => {
  broker = await startTestBroker();
  connection = { host: "127.0.0.1", port: broker.ports.redis, maxRetriesPerRequest: null };
});
after(() => broker.stop());

interface Rig {
  readonly queue: bullmq5.Queue;
  readonly events: bullmq5.QueueEvents;
  readonly worker: bullmq5.Worker;
  readonly errors: Error[];
  close(): Promise<void>;
}

type Library = Pick<typeof bullmq5, "FlowProducer" | "Queue" | "QueueEvents" | "Worker">;
const libraries: Readonly<Record<string, Library>> = { "5": bullmq5, "6": bullmq6 as unknown as Library };

async function openRig(
  { Queue, QueueEvents, Worker }: Library,
  name: string,
  work: (job: bullmq5.Job) => Promise<unknown>,
  options = {},
): Promise<Rig> {
  const queue = new Queue(name, { connection });
  const events = new QueueEvents(name, { connection });
  const worker = new Worker(name, work, { connection, ...options });
  const errors: Error[] = [];
  worker.on("error", (error) => errors.push(error));
  await events.waitUntilReady();
  await worker.waitUntilReady();
  return {
    queue,
    events,
    worker,
    errors,
    async close() {
      await Promise.all([worker.close(), events.close(), queue.close()]);
      assert.deepEqual(errors, []);
    },
  };
}

for (const [version, library] of Object.entries(libraries)) {
  test(`BullMQ ${version}: jobs in bulk, with results by events`, async () => {
    const { queue, events, close } = await openRig(
      library,
      `bulk-${version}`,
      async ({ data }) => data.n * 2,
      { concurrency: 10 },
    );
    const jobs = await queue.addBulk(Array.from({ length: 100 }, (_, n) => ({ name: "j", data: { n } })));
    const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20_000)));
    assert.deepEqual(
      results,
      Array.from({ length: 100 }, (_, n) => n * 2),
    );
    assert.equal((await queue.getJobCounts())["completed"], 100);
    await close();
  });

  test(`BullMQ ${version}: retries with back-off, then failure`, async () => {
    const { queue, events, close } = await openRig(
      library,
      `retry-${version}`,
      async ({ data, attemptsMade }) => {
        if (attemptsMade < data.failures) throw new Error(`attempt ${attemptsMade}`);
        return attemptsMade;
      },
    );
    const backoff = { type: "exponential", delay: 10 };
    const good = await queue.add("good", { failures: 2 }, { attempts: 3, backoff });
    assert.equal(await good.waitUntilFinished(events, 20_000), 2);
    const bad = await queue.add("bad", { failures: 9 }, { attempts: 2, backoff });
    await assert.rejects(bad.waitUntilFinished(events, 20_000), /attempt 1/);
    assert.equal((await queue.getFailed()).length, 1);
    await close();
  });

  test(`BullMQ ${version}: delays, priorities and a rate limit`, async () => {
    const seen: string[] = [];
    const { queue, worker, close } = await openRig(
      library,
      `order-${version}`,
      async (job) => {
        seen.push(job.name);
      },
      { autorun: false, limiter: { max: 2, duration: 50 } },
    );
    const later = await queue.add("later", {}, { delay: 300 });
    await queue.add("low", {}, { priority: 10 });
    await queue.add("high", {}, { priority: 1 });
    await queue.add("none", {});
    void worker.run();
    await until(() => seen.length === 4, "all jobs");
    await until(async () => (await queue.getCompletedCount()) === 4, "all jobs to be done");
    assert.deepEqual(
      seen.filter((name) => name !== "later"),
      ["none", "high", "low"],
    );
    const { processedOn, timestamp } = (await queue.getJob(later.id!))!;
    assert.ok(processedOn! - timestamp >= 300, "the delay has passed");
    await close();
  });

  test(`BullMQ ${version}: a job scheduler repeats its job`, async () => {
    const { queue, close } = await openRig(library, `repeat-${version}`, async () => "done");
    await queue.upsertJobScheduler("often", { every: 50, limit: 3 }, { name: "tick", data: {} });
    await until(async () => (await queue.getCompletedCount()) === 3, "three ticks");
    assert.equal((await queue.getJobSchedulers()).length <= 1, true);
    await close();
  });

  test(`BullMQ ${version}: a flow: the parent runs after its children, and has their results`, async () => {
    const { events, close } = await openRig(library, `flow-${version}`, async (job) =>
      job.name === "parent" ? Object.values(await job.getChildrenValues()).toSorted() : job.data.n,
    );
    const flow = new library.FlowProducer({ connection });
    const { job } = await flow.add({
      name: "parent",
      queueName: `flow-${version}`,
      children: [1, 2, 3].map((n) => ({ name: "child", queueName: `flow-${version}`, data: { n } })),
    });
    assert.deepEqual(await job.waitUntilFinished(events, 20_000), [1, 2, 3]);
    await flow.close();
    await close();
  });

  test(`BullMQ ${version}: pause, resume, drain, remove`, async () => {
    const { queue, worker, close } = await openRig(library, `pause-${version}`, async () => 1);
    await queue.pause();
    const job = await queue.add("a", {});
    assert.equal(await queue.isPaused(), true);
    assert.equal(await queue.getWaitingCount(), 1);
    await job.remove();
    await queue.add("b", {});
    await queue.drain();
    await queue.resume();
    const done = new Promise((resolve) => worker.once("completed", resolve));
    await queue.add("c", {});
    await done;
    await queue.obliterate({ force: true });
    assert.equal((await queue.getJobCounts())["completed"], 0);
    await close();
  });
}
