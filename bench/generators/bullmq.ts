/**
 * BullMQ 5, unmodified: jobs are added while a worker processes them, until all are completed. It comes from the package in
 * libraries/, which `npm run test:libraries` installs; its part of the work is most of a job's time, so the figures of both
 * servers lie close together.
 */
import { createRequire } from "node:module";
import path from "node:path";
import type { Figures } from "../contract.ts";
import { BusyMeter, serverCpuSeconds } from "./base/account.ts";

export interface BullmqOptions {
  readonly port: number;
  readonly serverPid: number;
  readonly queue: string;
  readonly jobs: number;
  /** Calls of `add` under way, and jobs in work. */
  readonly concurrency: number;
}

/** What is used of it: the package is not one of this project's own. */
interface Bullmq {
  readonly Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: object): Promise<unknown>;
    getJobCounts(): Promise<Readonly<Record<string, number>>>;
    obliterate(options: object): Promise<void>;
    close(): Promise<void>;
  };
  readonly Worker: new (
    name: string,
    work: (job: { readonly data: { readonly n: number } }) => Promise<number>,
    options: object,
  ) => {
    on(event: string, listener: (value: unknown) => void): void;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
}

const librariesPackage = path.join(import.meta.dirname, "../../libraries/package.json");
const runMsMax = 120_000;

export async function generate(options: BullmqOptions): Promise<Figures> {
  const { jobs, concurrency } = options;
  const { Queue, Worker } = createRequire(librariesPackage)("bullmq") as Bullmq;
  const connection = { host: "127.0.0.1", port: options.port, maxRetriesPerRequest: null };
  const queue = new Queue(options.queue, { connection });
  const timesWorked = new Uint8Array(jobs);
  const work = async ({ data }: { readonly data: { readonly n: number } }) => ++timesWorked[data.n]!;
  const worker = new Worker(options.queue, work, { connection, concurrency });
  await worker.waitUntilReady();
  const busy = new BusyMeter();
  const serverBefore = serverCpuSeconds(options);
  const startMs = performance.now();
  let completed = 0;
  const allCompleted = new Promise<void>((resolve, reject) => {
    worker.on("completed", () => {
      completed += 1;
      if (completed === jobs) resolve();
    });
    worker.on("failed", () => reject(new Error("a job failed")));
    worker.on("error", reject);
    setTimeout(
      () => reject(new Error(`${completed} of ${jobs} jobs after ${runMsMax} ms`)),
      runMsMax,
    ).unref();
  });
  let added = 0;
  const addInTurn = async () => {
    while (added < jobs) await queue.add("job", { n: added++ });
  };
  await Promise.all(Array.from({ length: concurrency }, addInTurn));
  await allCompleted;
  const seconds = (performance.now() - startMs) / 1000;
  const cpuSeconds = serverCpuSeconds(options) - serverBefore;
  const busyText = busy.text();
  const counts = await queue.getJobCounts();
  if (counts["completed"] !== jobs || timesWorked.some((times) => times !== 1))
    throw new Error(`not each of ${jobs} jobs was worked on once: ${JSON.stringify(counts)}`);
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  return {
    count: jobs,
    seconds,
    cpuSeconds,
    verified: `${jobs} jobs, each once, all completed, ${busyText}`,
  };
}
